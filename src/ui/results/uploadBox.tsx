/** The quiet way to the hub: a line that opens in place. What is behind it is loaded then. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { attempt } from "../../app/notices.ts";
import { leave, take, type UploadSubject, isSubject } from "../../app/uploadState.ts";
import { useApp } from "../context.ts";

export interface UploadProps {
  readonly subject: UploadSubject;
}

export function UploadBox({ subject, label }: UploadProps & { readonly label: string }) {
  const app = useApp();
  const [Form, setForm] = useState<ComponentType<UploadProps>>();
  const mine = isSubject(app.upload, subject);
  useEffect(() => {
    if (mine)
      void attempt(app, async () => {
        const { UploadForm } = await import("./uploadForm.tsx");
        setForm(() => UploadForm);
      });
  }, [app, mine]);
  return (
    <details
      class="menu upload"
      open={mine}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open === isSubject(app.upload, subject)) return;
        if (!currentTarget.open) return leave(app.upload);
        if (!take(app.upload, subject)) currentTarget.open = false;
      }}
    >
      <summary>{label}</summary>
      {mine && Form && <Form subject={subject} />}
    </details>
  );
}
