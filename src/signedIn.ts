/** The page that the hub leads back to: passes the answer to the tab that waits for it, and forgets it. */
import { present } from "./base/assert.ts";
import { answerIn, signInChannel } from "./hub/callback.ts";

const answer = answerIn(location.href);
// A code is worth nothing a second time, but neither the address bar nor the history need to show it.
history.replaceState(undefined, "", location.pathname);
if (answer) {
  const channel = new BroadcastChannel(signInChannel);
  channel.postMessage(answer);
  channel.close();
  // Only a tab that a page opened may close itself; where it may not, its words say what to do.
  setTimeout(() => window.close(), 500);
} else {
  const said = present(document.getElementById("said"), "the words");
  said.textContent = "This page is for coming back from the hub. Open Decoy itself to sign in.";
}
