// What a team would write with Probot and BullMQ: verify the webhook, put it on a queue, answer.
// SECRET, PORT and REDIS_PORT come from the environment; "ready" is printed once it listens.
import { Queue } from "bullmq";
import { Probot, Server } from "probot";
import { generateKeyPairSync } from "node:crypto";

const { SECRET, PORT, REDIS_PORT } = process.env;
const queue = new Queue("webhooks", { connection: { host: "127.0.0.1", port: Number(REDIS_PORT) } });
await queue.waitUntilReady();

// An App needs a key; nothing here signs with it.
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "pkcs1", format: "pem" },
});
const server = new Server({
  Probot: Probot.defaults({ appId: 1, privateKey, secret: SECRET, logLevel: "fatal" }),
  webhookPath: "/webhooks/github",
  port: Number(PORT),
  host: "127.0.0.1",
  logLevel: "fatal",
});
await server.load((app) => {
  app.onAny(({ id, name, payload }) => queue.add(name, { id, payload }));
});
await server.start();
console.log("ready");
