/** The exact requests for one decoy, as the form stands. */
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../base/errors.ts";
import type { Generation } from "../../domain/generation.ts";
import type { QueryId } from "../../domain/ids.ts";
import type { Previewed, Prompt, Synthesis, Topic } from "../../domain/synthesis.ts";
import { attempt } from "../../app/notices.ts";
import { previewTopic, topicsOf } from "../../app/topics.ts";
import { useApp } from "../context.ts";
import { whole } from "../parts/format.ts";
import { TopicPicker } from "./topicPicker.tsx";

export function RequestPreview() {
  const { collections, generation } = useApp();
  const open = collections.open.value;
  const topics = open ? topicsOf(open.collection) : [];
  const [id, choose] = useState<QueryId | undefined>(undefined);
  const topic = topics.find(({ query }) => query.id === id) ?? topics[0];
  const recipe = generation.form.generation.value;
  const synthesis = generation.synthesis.value;
  return (
    <section aria-labelledby="request">
      <h2 id="request">The request</h2>
      {topic ? (
        <>
          <TopicPicker topics={topics} chosen={topic} choose={choose} />
          {recipe && synthesis && (
            <Request topic={topic} recipe={recipe} synthesis={synthesis} decoys={topics.length * recipe.perQuery} />
          )}
        </>
      ) : (
        <p class="quiet prose">
          This collection has no training query with an answer, so there is nothing to write decoys about yet.
        </p>
      )}
    </section>
  );
}

/** With the passages near it, for the recipe that rewrites one; they are looked up when that recipe is chosen. */
function useFound(topic: Topic, wanted: boolean): Topic {
  const app = useApp();
  const [found, setFound] = useState<Topic | undefined>(undefined);
  useEffect(() => {
    let current = true;
    const look = async (): Promise<void> => {
      const with_ = await previewTopic(app, topic);
      if (current) setFound(with_);
    };
    if (wanted) void attempt(app, look);
    return () => void (current = false);
  }, [app, topic, wanted]);
  return wanted && found?.query.id === topic.query.id ? found : topic;
}

interface RequestProps {
  readonly topic: Topic;
  readonly recipe: Generation;
  readonly synthesis: Synthesis;
  readonly decoys: number;
}

function Request({ topic, recipe, synthesis, decoys }: RequestProps) {
  const complete = useFound(topic, recipe.recipe === "causalneg");
  const shown = previewOf(synthesis, complete, recipe);
  if (typeof shown === "string") return <p class="problem-text">{shown}</p>;
  const tokens = shown.reduce((sum, request) => sum + tokensOf(request), 0);
  const [first, second] = shown;
  const sum = `About ${whole(tokens)} tokens; for all ${whole(decoys)} decoys about ${whole(tokens * decoys)}, before the answers and further tries.`;
  if (!second)
    return (
      <>
        <p class="quiet">{sum}</p>
        {first && <Messages request={first} />}
      </>
    );
  return (
    <>
      <p class="quiet">Each decoy takes two requests. {sum}</p>
      {shown.map((request, index) => (
        <section key={index} class="request" aria-labelledby={`request-${index}`}>
          <h3 id={`request-${index}`}>{index === 0 ? "First: the analysis" : "Then: the edit of a found passage"}</h3>
          {request.awaited.length > 0 && (
            <p class="quiet">
              What is <mark class="awaited">⟨marked⟩</mark> only the answer to the first request will say. A line that
              it says nothing for is left out.
            </p>
          )}
          <Messages request={request} />
        </section>
      ))}
    </>
  );
}

/** About four characters of English a token. */
const tokensOf = ({ messages }: Prompt): number =>
  Math.ceil(messages.reduce((sum, { content }) => sum + content.length, 0) / 4);

function Messages({ request: { messages, schema, awaited } }: { readonly request: Previewed }) {
  return (
    <>
      <ol class="messages">
        {messages.map(({ role, content }, index) => (
          <li key={index}>
            <span class="quiet">{role}</span>
            <pre tabindex={0}>
              <Words text={content} awaited={awaited} />
            </pre>
          </li>
        ))}
      </ol>
      <details>
        <summary>Form of the answer (JSON Schema)</summary>
        <pre tabindex={0}>{JSON.stringify(schema, undefined, 2)}</pre>
      </details>
    </>
  );
}

/** The text with what is awaited in it marked. */
function Words({ text, awaited }: { readonly text: string; readonly awaited: readonly string[] }) {
  return (
    <>
      {piecesOf(text, awaited).map((piece, index) =>
        awaited.includes(piece) ? (
          <mark key={index} class="awaited">
            {piece}
          </mark>
        ) : (
          piece
        ),
      )}
    </>
  );
}

const piecesOf = (text: string, [first, ...others]: readonly string[]): string[] =>
  first === undefined
    ? [text]
    : text
        .split(first)
        .flatMap((piece, index) => (index === 0 ? piecesOf(piece, others) : [first, ...piecesOf(piece, others)]));

/** The requests, or why they cannot be made: a person's template may name what does not exist. */
function previewOf(synthesis: Synthesis, topic: Topic, recipe: Generation): readonly Previewed[] | string {
  try {
    return synthesis.preview(topic, recipe, 0);
  } catch (error) {
    return messageOf(error);
  }
}
