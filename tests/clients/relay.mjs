// Between a test and a client: each line of standard input is a request that is made through the client, and what came
// of it is a line of standard output. A request may have a timeout of its own, in milliseconds, and be cancelled.
import { createInterface } from "node:readline";

const METHODS = {
  "tools/list": "listTools",
  "prompts/list": "listPrompts",
  "prompts/get": "getPrompt",
  "resources/list": "listResources",
  "resources/read": "readResource",
};

export async function relay(client, protocolVersion, callTool) {
  const write = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
  const underWay = new Map();

  async function make({ id, method, params, timeout }) {
    const cancelling = new AbortController();
    underWay.set(id, cancelling);
    const options = { timeout, signal: cancelling.signal };
    try {
      const calling = method === "tools/call";
      write({ id, result: await (calling ? callTool(params, options) : client[METHODS[method]](params, options)) });
    } catch (error) {
      write({ id, error: { code: error.code ?? 0, message: String(error.message ?? error) } });
    }
  }

  write({ id: "connected", result: { protocolVersion } });
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    if (message.method === "notifications/cancelled") underWay.get(message.params.requestId).abort("cancelled");
    else make(message);
  }
  await client.close();
}
