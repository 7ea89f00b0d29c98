/** Which negatives a query gets, from where, and what is left out of them. */
import { setField } from "../../app/recipe.ts";
import { shippedEncoders } from "../../app/shipped.ts";
import { useApp } from "../context.ts";
import { Select } from "../parts/select.tsx";
import { TextInput } from "./fields.tsx";

export function SourceFields() {
  const { fields } = useApp().recipe;
  const { denseCount, simansCount, anceCount, adoreCount } = fields.value;
  return (
    <>
      <Mixing />
      <TextInput name="syntheticCount" label="Synthetic negatives a query" word="synthetic" />
      <TextInput name="syntheticRecipe" label="Only of the prompt recipe" hint="all" />
      <TextInput name="humanCount" label="Negatives by a person" word="human" />
      <TextInput name="bm25First" label="BM25 from rank" />
      <TextInput name="bm25Last" label="BM25 to rank" />
      <TextInput name="randomCount" label="Random negatives a query" />
      <TextInput name="denseCount" label="Dense negatives a query" word="dense" />
      {isAsked(denseCount) && <Range first="denseFirst" last="denseLast" label="Dense" />}
      <TextInput name="simansCount" label="SimANS negatives a query" word="SimANS" />
      {isAsked(simansCount) && <Simans />}
      <TextInput name="anceCount" label="ANCE negatives a query" word="ANCE" />
      {isAsked(anceCount) && (
        <>
          <Range first="anceFirst" last="anceLast" label="ANCE" />
          <TextInput name="anceEvery" label="ANCE searches anew every, steps" />
        </>
      )}
      <TextInput name="adoreCount" label="ADORE negatives a query" word="ADORE" />
      {isAsked(adoreCount) && <Range first="adoreFirst" last="adoreLast" label="ADORE" />}
      <Gate />
      <Guide />
    </>
  );
}

/** A half-typed count opens its constants too. */
const isAsked = (count: string): boolean => count.trim() !== "0";

type RangeField = `${"dense" | "ance" | "adore"}${"First" | "Last"}`;

function Range({ first, last, label }: Readonly<Record<"first" | "last", RangeField>> & { readonly label: string }) {
  return (
    <>
      <TextInput name={first} label={`${label} from rank`} />
      <TextInput name={last} label={`${label} to rank`} />
    </>
  );
}

function Mixing() {
  const app = useApp();
  const { mix, ratio } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Mix"
        word="mix"
        value={mix}
        options={[
          ["hybrid", "Hybrid"],
          ["direct", "Direct"],
          ["synthetic", "Synthetic only"],
          ["found", "Found only"],
        ]}
        choose={(chosen) => setField(app, "mix", chosen)}
      />
      <Select
        label="Ratio of synthetic to found"
        word="ratio"
        value={ratio}
        options={[
          ["", "As counted below"],
          ["instances", "Share of the queries that get synthetic ones"],
          ["perFound", "Synthetic ones for each found one"],
          ["share", "Synthetic ones among all"],
        ]}
        choose={(chosen) => setField(app, "ratio", chosen)}
      />
      {ratio !== "" && <TextInput name="ratioValue" label="R" word="ratio" />}
    </>
  );
}

function Simans() {
  const app = useApp();
  return (
    <>
      <TextInput name="simansLast" label="SimANS among the best" />
      <TextInput name="simansA" label="a" word="SimANS" />
      <TextInput name="simansB" label="b" />
      <TextInput name="simansScale" label="Scale" />
      <Select
        label="Sign of b"
        value={app.recipe.fields.value.simansSign}
        options={[
          ["paper", "As in the paper"],
          ["code", "As in the official code"],
        ]}
        choose={(sign) => setField(app, "simansSign", sign)}
      />
    </>
  );
}

const usualGates = { percentage: ".95", margin: ".05", absolute: ".7" } as const;

function Gate() {
  const app = useApp();
  const { gate } = app.recipe.fields.value;
  return (
    <>
      <Select
        label="Gate"
        word="gate"
        value={gate}
        options={[
          ["", "None"],
          ["percentage", "Above a share of the answer’s score"],
          ["margin", "Within a margin of the answer’s score"],
          ["absolute", "Above a score"],
        ]}
        choose={(chosen) => setField(app, "gate", chosen)}
      />
      {gate !== "" && <TextInput name="gateValue" label="Limit of the gate" hint={usualGates[gate]} />}
    </>
  );
}

function Guide() {
  const app = useApp();
  return (
    <Select
      label="Guide"
      word="guide"
      value={app.recipe.fields.value.guide}
      options={[
        ["", "The encoder itself, as it is before"],
        ...shippedEncoders.map(({ key }) => [key, key] as const),
        ...app.encoders.value.map(({ key, name }): readonly [string, string] => [key, name]),
      ]}
      choose={(key) => setField(app, "guide", key)}
    />
  );
}
