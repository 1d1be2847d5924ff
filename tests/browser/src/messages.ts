/** The messages that go one way over a WebSocket, read from its bytes on the way (RFC 6455, without extensions). */

export type Message = { text: string } | { close: number };

const TEXT = 1;
const CLOSE = 8;
/** A close frame that says nothing. */
const NO_STATUS = 1005;

/** Takes bytes as they come; tells of every whole text and close frame. Fragments are sent by neither side. */
export function frameReader(tell: (message: Message) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let frame = first(rest); frame; frame = first(rest)) {
      rest = rest.subarray(frame.end);
      const { opcode, payload } = frame;
      if (opcode == TEXT) tell({ text: payload.toString() });
      if (opcode == CLOSE) tell({ close: payload.length >= 2 ? payload.readUInt16BE() : NO_STATUS });
    }
  };
}

/** The frame that the bytes begin with, if all of it is there. */
function first(bytes: Buffer): { opcode: number; payload: Buffer; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const opcode = bytes[0]! & 0x0f;
  const masked = bytes[1]! & 0x80;
  let length = bytes[1]! & 0x7f;
  let at = 2;
  if (length >= 126) {
    const size = length == 126 ? 2 : 8;
    if (bytes.length < at + size) return undefined;
    length = size == 2 ? bytes.readUInt16BE(at) : Number(bytes.readBigUInt64BE(at));
    at += size;
  }
  const mask = at;
  if (masked) at += 4;
  const end = at + length;
  if (bytes.length < end) return undefined;
  const payload = Buffer.from(bytes.subarray(at, end));
  if (masked) payload.forEach((byte, index) => (payload[index] = byte ^ bytes[mask + (index % 4)]!));
  return { opcode, payload, end };
}
