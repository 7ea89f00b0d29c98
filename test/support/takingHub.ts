/**
 * A hub on this machine that takes things: sign-in with PKCE checked, repositories, which files are large, storage for those (one
 * PUT, by a redirect, or parts), commits. It checks what a hub checks, and can be told to refuse, one request after the other.
 */
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface TakenRepository {
  readonly isPrivate: boolean;
  /** By path, as they were committed. */
  readonly files: Map<string, Uint8Array>;
  readonly commits: string[];
}

export interface HubRequest {
  readonly method: string;
  readonly path: string;
  readonly token: string | undefined;
  readonly body: Buffer;
}

export interface HubAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TakingOptions {
  /** Bytes from which a file is large; files of these names always are. */
  readonly largeFrom?: number;
  /** Bytes of a part; one PUT where left out. */
  readonly partBytes?: number;
  readonly redirects?: boolean;
  /** Asked before a request is answered: "cut" breaks the connection. */
  readonly fault?: (request: HubRequest) => HubAnswer | "cut" | undefined;
  readonly user?: string;
  readonly tokens?: readonly string[];
  /** The nonce in the ID token; the right one where left out. */
  readonly nonce?: string;
  readonly role?: string;
  /** Where people know it, if it is played for another address. */
  readonly knownAs?: string;
}

const sha256 = (...parts: readonly (string | Uint8Array)[]) =>
  parts.reduce<ReturnType<typeof createHash>>((sum, part) => sum.update(part), createHash("sha256"));

interface Grant {
  readonly client: string;
  readonly redirect: string;
  readonly challenge: string;
  readonly nonce: string | null;
}

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
  "access-control-allow-methods": "GET, POST, PUT",
  "access-control-expose-headers": "etag",
};

interface Preuploaded {
  readonly files: readonly { readonly path: string; readonly size: number; readonly sample: string }[];
}
interface Batch {
  readonly transfers: readonly string[];
  readonly objects: readonly { readonly oid: string; readonly size: number }[];
}
interface Line {
  readonly key: string;
  readonly value: { readonly path: string; readonly content: string; readonly oid: string; readonly summary: string };
}

const parsed = <T>(body: Buffer): T => JSON.parse(body.toString()) as T;
const refused = (status: number, error: string): HubAnswer => ({ status, body: { error } });

export async function takingHub(options: TakingOptions = {}) {
  const { largeFrom = 1000, partBytes, redirects = false, fault, user = "somebody" } = options;
  const tokens = new Set(options.tokens ?? []);
  const repositories = new Map<string, TakenRepository>();
  /** Large files by SHA-256. */
  const stored = new Map<string, Buffer>();
  const parts = new Map<string, Map<number, Buffer>>();
  const verified = new Set<string>();
  const asked: HubRequest[] = [];
  const grants = new Map<string, Grant>();
  const scopes: string[] = [];

  function authorize(query: URLSearchParams): HubAnswer {
    const need = (name: string) => query.get(name) ?? "";
    if (need("response_type") !== "code" || need("code_challenge_method") !== "S256") return refused(400, "no PKCE");
    const code = randomBytes(8).toString("hex");
    scopes.push(need("scope"));
    const grant = { client: need("client_id"), redirect: need("redirect_uri"), challenge: need("code_challenge") };
    grants.set(code, { ...grant, nonce: query.get("nonce") });
    const back = new URL(grant.redirect);
    back.searchParams.set("code", code);
    back.searchParams.set("state", need("state"));
    return { status: 302, headers: { location: back.href } };
  }

  function token(body: Buffer): HubAnswer {
    const form = new URLSearchParams(body.toString());
    const code = form.get("code") ?? "";
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = sha256(form.get("code_verifier") ?? "").digest("base64url");
    const fits = grant?.challenge === challenge && grant.client === form.get("client_id");
    if (
      !grant ||
      !fits ||
      grant.redirect !== form.get("redirect_uri") ||
      form.get("grant_type") !== "authorization_code"
    )
      return { status: 400, body: { error: "invalid_grant", error_description: "the code does not fit" } };
    const access = `hf_oauth_${randomBytes(8).toString("hex")}`;
    tokens.add(access);
    const claims = Buffer.from(JSON.stringify({ nonce: options.nonce ?? grant.nonce, name: "Zoë" })).toString(
      "base64url",
    );
    return {
      status: 200,
      body: { access_token: access, token_type: "bearer", expires_in: 28800, id_token: `e30.${claims}.c2ln` },
    };
  }

  function create(body: Buffer): HubAnswer {
    const { type, organization, name, visibility } = parsed<Record<string, string>>(body);
    const id = `${type}s/${organization}/${name}`;
    if (repositories.has(id)) return refused(409, `You already created this ${type} repo`);
    repositories.set(id, { isPrivate: visibility === "private", files: new Map(), commits: [] });
    return { status: 200, body: { url: `/${organization}/${name}`, name: `${organization}/${name}` } };
  }

  const isLarge = (path: string, size: number) => size >= largeFrom || path.endsWith(".parquet");

  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  function lfsBatch(body: Buffer): HubAnswer {
    const { objects } = parsed<Batch>(body);
    const answers = objects.map(({ oid, size }) => {
      if (stored.has(oid)) return { oid, size };
      const verify = { href: `${options.knownAs ?? address()}/verify` };
      if (partBytes === undefined || size <= partBytes)
        return {
          oid,
          size,
          actions: { upload: { href: `${address()}/${redirects ? "moved" : "storage"}/${oid}` }, verify },
        };
      parts.set(oid, new Map());
      const count = Math.ceil(size / partBytes);
      const addresses = Array.from({ length: count }, (_, i) => [
        String(i + 1).padStart(5, "0"),
        `${address()}/part/${oid}/${i + 1}`,
      ]);
      const header = { chunk_size: String(partBytes), ...Object.fromEntries(addresses) };
      return { oid, size, actions: { upload: { href: `${address()}/complete/${oid}`, header }, verify } };
    });
    return { status: 200, body: { transfer: partBytes === undefined ? "basic" : "multipart", objects: answers } };
  }

  function keep(oid: string, bytes: Buffer): HubAnswer {
    if (sha256(bytes).digest("hex") !== oid) return refused(400, "another SHA-256");
    stored.set(oid, bytes);
    return { status: 200, headers: { etag: `"${oid.slice(0, 8)}"` } };
  }

  function storage(path: string, body: Buffer): HubAnswer | undefined {
    const [, where, oid = "", number] = path.split("/");
    if (where === "moved") return { status: 307, headers: { location: `${address()}/storage/${oid}` } };
    if (where === "storage") return keep(oid, body);
    if (where === "part") {
      parts.get(oid)?.set(Number(number), body);
      return { status: 200, headers: { etag: `"${oid.slice(0, 4)}-${number}"` } };
    }
    if (where !== "complete") return undefined;
    const said = parsed<{ parts: { partNumber: number; etag: string }[] }>(body).parts;
    const held = [...(parts.get(oid) ?? [])].toSorted(([a], [b]) => a - b);
    const fits = said.every(({ partNumber, etag }) => etag === `"${oid.slice(0, 4)}-${partNumber}"`);
    if (!fits || said.length !== held.length) return refused(400, "parts are missing");
    return keep(oid, Buffer.concat(held.map(([, bytes]) => bytes)));
  }

  function commit(repository: TakenRepository, body: Buffer): HubAnswer {
    const lines = body
      .toString()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const files = new Map<string, Uint8Array>();
    for (const { key, value } of lines.slice(1)) {
      const bytes = key === "lfsFile" ? stored.get(value.oid) : Buffer.from(value.content, "base64");
      if (!bytes || (key === "lfsFile" && !verified.has(value.oid))) return refused(400, `${value.path} is not there`);
      if (key === "file" && isLarge(value.path, bytes.length)) return refused(400, `${value.path} must go by LFS`);
      files.set(value.path, bytes);
    }
    for (const [path, bytes] of files) repository.files.set(path, bytes);
    repository.commits.push(lines[0]?.value.summary ?? "");
    return { status: 200, body: { commitOid: "c".repeat(40), commitUrl: "" } };
  }

  function ofRepository(path: string, { method, body }: HubRequest): HubAnswer | undefined {
    const [, kind, id, verb] =
      /^\/api\/(models|datasets)\/([^/]+\/[^/]+)(?:\/(preupload|commit)\/main)?$/u.exec(path) ?? [];
    const repository = repositories.get(`${kind}/${id}`);
    if (kind === undefined) return undefined;
    if (!repository) return refused(404, "Repository not found");
    if (verb === undefined && method === "GET") return { status: 200, body: { id, private: repository.isPrivate } };
    if (verb === "commit") return commit(repository, body);
    const files = parsed<Preuploaded>(body).files.map(({ path: name, size }) => ({
      path: name,
      uploadMode: isLarge(name, size) ? "lfs" : "regular",
    }));
    return { status: 200, body: { files } };
  }

  function answerTo(request: HubRequest, query: URLSearchParams): HubAnswer {
    const { path, body } = request;
    if (path === "/oauth/authorize") return authorize(query);
    if (path === "/oauth/token") return token(body);
    const stored = storage(path, body);
    // Signed addresses: whoever sends a token there gives it to strangers.
    if (stored) return request.token === undefined ? stored : refused(400, "only one auth mechanism allowed");
    if (request.token === undefined || !tokens.has(request.token)) return refused(401, "Invalid credentials");
    if (path === "/api/whoami-v2")
      return { status: 200, body: { type: "user", name: user, auth: { accessToken: { role: options.role } } } };
    if (path === "/api/repos/create") return create(body);
    if (path.endsWith(".git/info/lfs/objects/batch")) return lfsBatch(body);
    if (path === "/verify") {
      verified.add(parsed<{ oid: string }>(body).oid);
      return { status: 200 };
    }
    return ofRepository(path, request) ?? refused(404, "nothing here");
  }

  async function take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://hub");
    const { method = "GET" } = incoming;
    if (method === "OPTIONS") return void response.writeHead(204, cors).end();
    const bearer = /^Bearer (.*)$/u.exec(incoming.headers.authorization ?? "")?.[1];
    const request = { method, path: pathname, token: bearer, body: Buffer.concat(chunks) };
    asked.push(request);
    const answer = fault?.(request) ?? answerTo(request, searchParams);
    if (answer === "cut") return void response.destroy();
    const headers = { ...cors, "content-type": "application/json", ...answer.headers };
    const isPage = headers["content-type"] === "text/html";
    const text = answer.body === undefined ? "" : JSON.stringify(answer.body);
    response.writeHead(answer.status, headers).end(isPage ? "<!doctype html>Sign in" : text);
  }

  const server = createServer((incoming, response) => void take(incoming, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    hub: { base: address(), silence: 2000, waits: [1, 1] },
    asked,
    scopes,
    repositories,
    stored,
    tokens,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
