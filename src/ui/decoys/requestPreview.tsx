/** The exact request for one decoy, as the form stands. */
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../base/errors.ts";
import type { Generation } from "../../domain/generation.ts";
import type { QueryId } from "../../domain/ids.ts";
import type { Prompt, Synthesis, Topic } from "../../domain/synthesis.ts";
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
            <Request topic={topic} recipe={recipe} synthesis={synthesis} requests={topics.length * recipe.perQuery} />
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
  readonly requests: number;
}

function Request({ topic, recipe, synthesis, requests }: RequestProps) {
  const complete = useFound(topic, recipe.recipe === "causalneg");
  const shown = previewOf(synthesis, complete, recipe);
  if (typeof shown === "string") return <p class="problem-text">{shown}</p>;
  // About four characters of English a token.
  const tokens = Math.ceil(shown.messages.reduce((sum, { content }) => sum + content.length, 0) / 4);
  return (
    <>
      <p class="quiet">
        About {whole(tokens)} tokens; {whole(requests)} such requests, about {whole(tokens * requests)} tokens, before
        the answers and further tries.
        {recipe.recipe === "causalneg" &&
          " CausalNeg asks twice: this is the analysis; the second request shows a found passage and what the analysis said."}
      </p>
      <ol class="messages">
        {shown.messages.map(({ role, content }, index) => (
          <li key={index}>
            <span class="quiet">{role}</span>
            <pre tabindex={0}>{content}</pre>
          </li>
        ))}
      </ol>
      <details>
        <summary>Form of the answer (JSON Schema)</summary>
        <pre tabindex={0}>{JSON.stringify(shown.schema, undefined, 2)}</pre>
      </details>
    </>
  );
}

/** The request, or why it cannot be made: a person's template may name what does not exist. */
function previewOf(synthesis: Synthesis, topic: Topic, recipe: Generation): Prompt | string {
  try {
    return synthesis.preview(topic, recipe, 0);
  } catch (error) {
    return messageOf(error);
  }
}
