// The client of the TypeScript SDK 2.x. Its first argument is how it finds the version: legacy, auto, or the very one.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { relay } from "./relay.mjs";

const [how, command, ...args] = process.argv.slice(2);
const mode = ["legacy", "auto"].includes(how) ? how : { pin: how };
const client = new Client({ name: "typescript-2", version: "0" }, { versionNegotiation: { mode } });
await client.connect(new StdioClientTransport({ command, args, env: process.env, cwd: "/" }));
const negotiated = client.getNegotiatedProtocolVersion();
await relay(client, negotiated, (params, options) => client.callTool(params, options));
