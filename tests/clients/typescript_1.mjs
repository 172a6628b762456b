// The client of the TypeScript SDK 1.x. It speaks the era of the handshake alone.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { relay } from "./relay.mjs";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "typescript-1", version: "0" });
const transport = new StdioClientTransport({ command, args, env: process.env, cwd: "/" });
let negotiated;
transport.setProtocolVersion = (version) => (negotiated = version);
await client.connect(transport);
await relay(client, negotiated, (params, options) => client.callTool(params, undefined, options));
