/** A view whose code is loaded when it is first shown. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { tellError } from "../../app/notices.ts";
import { useApp } from "../context.ts";
import { Mark } from "./mark.tsx";

export function lazily(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | undefined;
  return function Lazy() {
    const app = useApp();
    const [View, setView] = useState(() => loaded);
    useEffect(() => {
      if (View) return;
      load().then(
        (view) => {
          loaded = view;
          setView(() => view);
        },
        (error: unknown) => tellError(app, error),
      );
    }, [View, app]);
    if (View) return <View />;
    return (
      <p class="loading">
        <Mark size={32} drifting /> Loading
      </p>
    );
  };
}
