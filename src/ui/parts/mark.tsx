/** The answer and its decoy. Drifting while something loads. */
export function Mark({ size = 24, drifting = false }: { readonly size?: number; readonly drifting?: boolean }) {
  return (
    <svg class={drifting ? "mark drifting" : "mark"} viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <circle cx="12" cy="16" r="9" class="answer" />
      <circle cx="20" cy="16" r="9" class="decoy" />
    </svg>
  );
}
