/** The frame of a place: its name, what it is for, and its one main button. */
import type { ComponentChildren } from "preact";

export interface PlaceProps {
  readonly title: string;
  readonly purpose: ComponentChildren;
  readonly action?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Place({ title, purpose, action, children }: PlaceProps) {
  return (
    <>
      <header class="place-head">
        <div>
          <h1>{title}</h1>
          <p class="prose">{purpose}</p>
        </div>
        {action}
      </header>
      {children}
    </>
  );
}
