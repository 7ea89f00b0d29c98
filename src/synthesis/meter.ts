/** Tokens of the answers under way, told about twice a second however many there are. */

export interface Meter {
  /** Of this answer, from its beginning. */
  count(tokens: number): void;
  /** It is no longer under way. */
  end(): void;
}

const everyMs = 500;

/**
 * Starts one answer after another. `tell` gets the tokens of all answers under way, and the seconds since the oldest of
 * them was asked for.
 */
export function metering(tell: (tokens: number, seconds: number) => void): () => Meter {
  const underWay = new Set<{ readonly started: number; tokens: number }>();
  let told = -Infinity;
  return () => {
    const answer = { started: performance.now(), tokens: 0 };
    underWay.add(answer);
    return {
      count(tokens) {
        answer.tokens = tokens;
        const now = performance.now();
        if (now - told < everyMs) return;
        told = now;
        const all = [...underWay];
        const oldest = Math.min(...all.map(({ started }) => started));
        tell(
          all.reduce((sum, { tokens }) => sum + tokens, 0),
          (now - oldest) / 1000,
        );
      },
      end: () => void underWay.delete(answer),
    };
  };
}
