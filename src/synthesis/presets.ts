/** Lists that the attributes are drawn from, for common kinds of collection. */
import type { Preset } from "../domain/synthesis.ts";

const ours = "ours, written for this";

/** They complete: "In length the passage should be … the positive_document". */
const aboutEqual = ["approximately the same as", "nearly the same as"];
const varied = [...aboutEqual, "a little shorter than", "a little longer than"];

const general = "General (a newspaper reader)";
const secondary = "Intermediate (High School and Undergraduate)";
const professional = "Professional (Graduate School and Practice)";

export const presets: readonly Preset[] = [
  {
    name: "scifact",
    label: "Scientific claims (SciFact)",
    origin: "arXiv 2412.17250, as summarised by its readers",
    domains: [
      "Epidemiology",
      "Public Health",
      "Virology",
      "Biostatistics",
      "Healthcare Policy",
      "Infectious Diseases",
      "Bioinformatics",
      "Medical Research",
      "Pharmacology",
    ],
    levels: [
      "Foundational (Equivalent to Elementary and Middle School)",
      "Intermediate (High School and Undergraduate)",
    ],
    lengths: ["approximately the same as", "nearly the same as"],
  },
  {
    name: "finance",
    label: "Finance questions (FiQA)",
    origin: ours,
    domains: [
      "Personal Finance",
      "Income Tax",
      "Retirement Planning",
      "Stock Investing",
      "Mortgages and Real Estate",
      "Credit and Debt",
      "Banking",
      "Insurance",
      "Small Business Accounting",
      "Corporate Finance",
    ],
    levels: [general, secondary, professional],
    lengths: varied,
  },
  {
    name: "encyclopedia",
    label: "Multi-hop questions to an encyclopedia (HotpotQA)",
    origin: ours,
    domains: [
      "Biography",
      "Film and Television",
      "Music",
      "Literature",
      "Sports",
      "Geography",
      "Political History",
      "Military History",
      "Companies and Brands",
      "Architecture and Landmarks",
      "Science and Technology",
    ],
    levels: [general, secondary],
    lengths: aboutEqual,
  },
  {
    name: "nutrition",
    label: "Medicine and nutrition (NFCorpus)",
    origin: ours,
    domains: [
      "Nutrition Science",
      "Dietetics",
      "Cardiology",
      "Oncology",
      "Endocrinology",
      "Gastroenterology",
      "Epidemiology",
      "Toxicology",
      "Food Chemistry",
      "Preventive Medicine",
    ],
    levels: [general, secondary, professional],
    lengths: aboutEqual,
  },
  {
    name: "web",
    label: "General web search",
    origin: ours,
    domains: [
      "Health and Fitness",
      "Home and Garden",
      "Computing and the Internet",
      "Law and Government",
      "Education",
      "Travel and Places",
      "Business and Work",
      "History",
      "Nature and Animals",
      "Arts and Entertainment",
      "Food and Cooking",
      "Cars and Transport",
    ],
    levels: [general, secondary],
    lengths: varied,
  },
  {
    name: "school",
    label: "School science",
    origin: ours,
    domains: [
      "Physics",
      "Chemistry",
      "Biology",
      "Earth Science",
      "Astronomy",
      "Human Anatomy",
      "Ecology",
      "Weather and Climate",
      "Energy and Technology",
    ],
    levels: ["Elementary School", "Middle School", "High School"],
    lengths: varied,
  },
];
