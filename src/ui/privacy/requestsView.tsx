/** The requests of this visit: a line for each host, every one of them on demand, and what cannot be seen. */
import { type HostTotal, type RequestRecord, mostRows, purposeOf, reached, totalsOf } from "../../domain/requests.ts";
import { useApp } from "../context.ts";
import { counted, whole } from "../parts/format.ts";
import { amount, clock, outcomeWords, purposeWords, receivedWords, seenWords, sentWords } from "./words.ts";

const hostOf = (origin: string): string => new URL(origin).host;

export function RequestsView() {
  const { ledger, guard } = useApp().privacy;
  const { rows } = ledger.value;
  const newest = rows.toReversed();
  return (
    <section aria-labelledby="privacy-requests">
      <h3 id="privacy-requests">Requests</h3>
      <p class="quiet prose">{seenWords(guard.value, performance.timeOrigin)} Other tabs of Decoy count too.</p>
      <Hosts totals={totalsOf(ledger.value)} />
      <Rows label="Every request to another host" rows={newest.filter(({ own }) => !own)} />
      <Rows label="Every request to this page’s own host" rows={newest.filter(({ own }) => own)} />
      <p class="quiet prose">
        Sent and received are the contents; addresses and headers come on top. Not seen here: where a host leads a
        request on to (the Hugging Face hub does, to servers of its own), other pages that you open (to sign in, or a
        link), downloads by the browser for its built-in language model, its look for a newer version of this page, and
        what extensions do. Where a host does not allow it, the browser does not tell the page how much was received.
      </p>
    </section>
  );
}

function Hosts({ totals }: { readonly totals: readonly HostTotal[] }) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Requests by host">
      <table data-testid="hosts">
        <thead>
          <tr>
            <th scope="col">Host</th>
            <th scope="col" class="number">
              Requests
            </th>
            <th scope="col" class="number">
              Sent
            </th>
            <th scope="col" class="number">
              Received
            </th>
          </tr>
        </thead>
        <tbody>
          {totals.map((total) => (
            <tr key={total.origin}>
              <th scope="row">
                {total.own ? `This page’s own files (${hostOf(total.origin)})` : hostOf(total.origin)}
              </th>
              <td class="number">
                {whole(total.requests)}
                {total.stayed > 0 && (
                  <span class="quiet">
                    {" "}
                    ({whole(total.stayed)} {total.own ? "from this machine" : "refused"})
                  </span>
                )}
              </td>
              <td class="number">{sentWords(total)}</td>
              <td class="number">{receivedWords(total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Rows({ label, rows }: { readonly label: string; readonly rows: readonly RequestRecord[] }) {
  if (rows.length === 0) return null;
  return (
    <details>
      <summary>
        {label} ({rows.length < mostRows ? whole(rows.length) : `the newest ${counted(rows.length, "one")}`})
      </summary>
      <div class="scroll requests" tabindex={0} role="region" aria-label={label}>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">To</th>
              <th scope="col">What for</th>
              <th scope="col" class="number">
                Sent
              </th>
              <th scope="col" class="number">
                Received
              </th>
              <th scope="col">Outcome</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.id} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Row({ row }: { readonly row: RequestRecord }) {
  const left = reached(row);
  return (
    <tr>
      <td>{clock(row.at)}</td>
      <td>
        <code>
          {row.method && `${row.method} `}
          {hostOf(row.origin)}
          {row.path}
        </code>
      </td>
      <td>{purposeWords[purposeOf(row)]}</td>
      <td class="number">{!left ? "–" : row.sent === undefined ? "not known" : amount(row.sent)}</td>
      <td class="number">{!left ? "–" : row.received === undefined ? "not known" : amount(row.received)}</td>
      <td>{outcomeWords(row)}</td>
    </tr>
  );
}
