// SPDX-License-Identifier: Apache-2.0
// A script that parks at a ring and at a finder in the way of its argument, and ends by itself when nothing is parked any more.
import process from "node:process";
import { MemoryTransport } from "../../src/transport/memory_transport.ts";
import { RING_DATA, RING_ROOM } from "../../src/transport/transport.ts";
import { newRing, raiseFlag } from "./rings.ts";

const name = { service: "S", stream: "park" };
const transport = MemoryTransport.create();
const ring = newRing(transport, name, { heartbeatIntervalMs: 40 });
const finder = transport.findRings(name);
const say = (text: string) => (): void => console.log(text);
const parkAll = (): void => {
  ring.park(RING_DATA, raiseFlag(ring), say("data"));
  ring.park(RING_ROOM, 0, say("room"));
  finder.park(say("news"));
};
process.on("exit", say("end"));

switch (process.argv[2]) {
  case "nothing":
    break;
  case "unpark":
    parkAll();
    ring.unpark(RING_DATA);
    ring.unpark(RING_ROOM);
    finder.unpark();
    break;
  case "close ends":
    parkAll();
    ring.close();
    finder.close();
    break;
  case "close transport":
    parkAll();
    transport.close();
    break;
  case "wake":
    ring.park(RING_DATA, raiseFlag(ring), say("data"));
    setTimeout(() => ring.wake(RING_DATA), 20).unref();
    break;
  default:
    throw new Error(`There is no way ${process.argv[2]}`);
}
