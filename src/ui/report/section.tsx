/** A part of a report under its heading; the list of contents leads to it. */
import type { ComponentChildren } from "preact";

interface SectionProps {
  readonly id: string;
  readonly title: string;
  readonly children: ComponentChildren;
}

export function Section({ id, title, children }: SectionProps) {
  return (
    <section>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** A table of figures that may be wider than a phone. */
export function Ledger({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={label}>
      <table class="ledger">{children}</table>
    </div>
  );
}
