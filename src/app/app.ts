/** The state of the page, as signals. Actions (one function for each thing a person can ask for) stand in their own files. */
import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import type { RunRecord } from "../domain/run.ts";
import type { BrowseState } from "./browse.ts";
import { createBrowse } from "./browse.ts";
import type { CollectionsState } from "./collections.ts";
import { createCollections, selectedRecord } from "./collections.ts";
import type { DecoysState } from "./decoys.ts";
import { createDecoys } from "./decoys.ts";
import type { Dependencies, EncoderRecord } from "./dependencies.ts";
import type { DraftsState } from "./drafts.ts";
import { createDrafts, followCollection } from "./drafts.ts";
import type { EncoderExport } from "./encoderExport.ts";
import { createEncoderExport } from "./encoderExport.ts";
import type { GenerationState } from "./generation.ts";
import { createGeneration } from "./generation.ts";
import type { HubState } from "./hub.ts";
import { createHub } from "./hub.ts";
import type { JudgingState } from "./judging.ts";
import { createJudging } from "./judging.ts";
import { learnsFromDocuments, unjudgedSelection } from "./learnFromDocuments.ts";
import type { WorkState } from "./modelWork.ts";
import { createWork } from "./modelWork.ts";
import type { Notice } from "./notices.ts";
import type { OwnState } from "./ownDecoys.ts";
import { createOwn } from "./ownDecoys.ts";
import type { PlaceName } from "./places.ts";
import type { PrivacyState } from "./privacy.ts";
import { createPrivacy } from "./privacy.ts";
import type { ProjectState } from "./project.ts";
import { createProject, projectsAllowed } from "./project.ts";
import type { RecipeState } from "./recipe.ts";
import { createRecipe } from "./recipe.ts";
import type { ReviewState } from "./review.ts";
import { createReview } from "./review.ts";
import type { RunState } from "./runState.ts";
import { createRunState } from "./runState.ts";
import type { SearchState } from "./search.ts";
import { createSearch } from "./search.ts";
import type { ThemeName } from "./theme.ts";
import { readTheme } from "./theme.ts";
import type { NeighboursState } from "./topics.ts";
import { createNeighbours } from "./topics.ts";
import type { UploadState } from "./uploadState.ts";
import { createUpload } from "./uploadState.ts";
import type { QueriesState } from "./writeQueries.ts";
import { createQueries } from "./writeQueries.ts";

export interface App {
  readonly deps: Dependencies;
  readonly place: Signal<PlaceName>;
  readonly theme: Signal<ThemeName>;
  readonly notices: Signal<readonly Notice[]>;
  /** False where another tab is open, and while everything is saved or a project opened. */
  readonly writable: ReadonlySignal<boolean>;
  /** What is hidden and can still be brought back; calling one removes it for good. */
  readonly removals: Set<() => Promise<void>>;
  /** What took longer than a moment and is not the run: opening an encoder, zipping one; in words. */
  readonly task: Signal<string | undefined>;
  readonly collections: CollectionsState;
  readonly browse: BrowseState;
  readonly encoders: Signal<readonly EncoderRecord[]>;
  readonly hub: HubState;
  readonly runs: Signal<readonly RunRecord[]>;
  readonly shownRun: Signal<RunRecord["id"] | undefined>;
  readonly recipe: RecipeState;
  readonly run: RunState;
  readonly decoys: DecoysState;
  readonly drafts: DraftsState;
  /** The language model at work, whatever it does. */
  readonly work: WorkState;
  readonly generation: GenerationState;
  readonly judging: JudgingState;
  readonly review: ReviewState;
  readonly own: OwnState;
  readonly queries: QueriesState;
  readonly neighbours: NeighboursState;
  readonly search: SearchState;
  readonly encoderExport: EncoderExport;
  readonly upload: UploadState;
  readonly project: ProjectState;
  readonly privacy: PrivacyState;
  /** Whether everything may be saved, or a project opened, now. */
  readonly projectsAllowed: ReadonlySignal<boolean>;
  /** Whether a new run may start now. */
  readonly canRun: ReadonlySignal<boolean>;
}

export function createApp(deps: Dependencies): App {
  const collections = createCollections();
  const recipe = createRecipe(deps.settings);
  const run = createRunState();
  const project = createProject();
  const writable = computed(() => deps.writer && project.work.value === undefined);
  const app: App = {
    deps,
    place: signal<PlaceName>("data"),
    theme: signal(readTheme(deps.settings)),
    notices: signal<readonly Notice[]>([]),
    writable,
    removals: new Set(),
    task: signal<string | undefined>(undefined),
    collections,
    browse: createBrowse(),
    encoders: signal<readonly EncoderRecord[]>([]),
    hub: createHub(),
    runs: signal<readonly RunRecord[]>([]),
    shownRun: signal<RunRecord["id"] | undefined>(undefined),
    recipe,
    run,
    decoys: createDecoys(),
    drafts: createDrafts(),
    work: createWork(),
    generation: createGeneration(deps.settings),
    judging: createJudging(),
    review: createReview(),
    own: createOwn(),
    queries: createQueries(),
    neighbours: createNeighbours(),
    search: createSearch(),
    encoderExport: createEncoderExport(),
    upload: createUpload(),
    project,
    privacy: createPrivacy(deps.settings),
    projectsAllowed: computed(() => projectsAllowed(app)),
    canRun: computed(
      () =>
        writable.value &&
        run.phase.value === "idle" &&
        recipe.config.value !== undefined &&
        selectedRecord(collections) !== undefined &&
        (learnsFromDocuments({ recipe }) || !unjudgedSelection({ collections })),
    ),
  };
  followCollection(app);
  return app;
}
