/** What is learned from the scores of a query's passages. */
import { setField } from "../../app/recipe.ts";
import { lossNames } from "../../domain/configTraining.ts";
import { lossTitles } from "../../domain/loss.ts";
import { useApp } from "../context.ts";
import { Select } from "../parts/select.tsx";
import { Switch, TextInput } from "./fields.tsx";

export function LossFields() {
  const app = useApp();
  const { loss } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Loss"
        word="loss function"
        value={loss}
        options={lossNames.map((name) => [name, lossTitles[name]] as const)}
        choose={(chosen) => setField(app, "loss", chosen)}
      />
      {loss === "marginMSE" && <TextInput name="marginScale" label="Guide’s margins times" word="loss function" />}
      {loss === "infonce" && <OfInfonce />}
      <Gist />
      <TextInput name="dimensions" label="Matryoshka dimensions" word="Matryoshka" hint="whole vectors" />
    </>
  );
}

function OfInfonce() {
  const app = useApp();
  const { hardness, entropy } = app.recipe.fields.value;
  return (
    <>
      <Switch name="symmetric" label="From answers to queries too" word="symmetric" />
      <Select
        label="Harder negatives weigh more"
        word="hardness"
        value={hardness}
        options={[
          ["", "No"],
          ["all", "All negatives"],
          ["own", "The query’s own"],
          ["written", "Those written for the query"],
        ]}
        choose={(chosen) => setField(app, "hardness", chosen)}
      />
      {hardness !== "" && <TextInput name="hardnessAlpha" label="Hardness α" word="hardness" />}
      <Switch name="entropy" label="Keep written decoys like found ones" word="entropy term" />
      {entropy && (
        <>
          <TextInput name="entropyWeight" label="Weight of the entropy term" />
          <TextInput name="entropyTemperature" label="Temperature of the entropy term" />
        </>
      )}
    </>
  );
}

function Gist() {
  const app = useApp();
  const { gist } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Left out of a batch by the guide"
        word="GIST"
        value={gist}
        options={[
          ["", "Nothing"],
          ["absolute", "Above the answer’s score − margin"],
          ["relative", "Above the answer’s score × (1 − margin)"],
        ]}
        choose={(chosen) => setField(app, "gist", chosen)}
      />
      {gist !== "" && <TextInput name="gistMargin" label="Margin" word="GIST" />}
    </>
  );
}
