/**
 * What browsers don't tell: requests under way, calls, recordings, and sound that comes from nowhere in the document. Known by
 * wrapping what starts them, and only where the app has asked for it (`busy: "wrap"`).
 */

/** A request that takes longer is one that is meant to: a stream, or a long poll. */
const REQUEST_MS = 300_000;

type Check = () => boolean;

/** Whether a request changes something, as far as its method tells. */
const changes = (method = "GET") => !/^(GET|HEAD|OPTIONS)$/i.test(method);

/** From now on. Returns whether there is something of it now. What can't be wrapped is left as it is. */
export function wrap(): () => boolean {
  /** Each until it is over; what nobody else keeps isn't kept here. */
  const under = new Set<WeakRef<object>>();
  const checks = new WeakMap<object, Check>();
  const requests = new Map<object, number>();
  const watch = <T extends object>(thing: T, check: (thing: T) => boolean) => {
    if (checks.has(thing)) return;
    checks.set(thing, () => check(thing));
    under.add(new WeakRef(thing));
  };

  const replace = (owner: object | undefined, name: string, by: (original: never) => unknown) => {
    try {
      const original = (owner as Record<string, never>)[name];
      if (original) (owner as Record<string, unknown>)[name] = by(original);
    } catch {
      // Not here, or not to be changed.
    }
  };

  replace(
    window,
    "fetch",
    (original: typeof fetch) =>
      function (this: unknown, ...args: Parameters<typeof fetch>) {
        const [input, init] = args as [Partial<Request>, RequestInit?];
        const asked = original.apply(this, args);
        // One that is kept alive outlives the page.
        if (changes(init?.method ?? input.method) && !(init?.keepalive ?? input.keepalive)) {
          requests.set(asked, Date.now());
          const over = () => requests.delete(asked);
          asked.then(over, over);
        }
        return asked;
      },
  );
  const methods = new WeakMap<object, string>();
  const xhr = globalThis.XMLHttpRequest?.prototype;
  replace(
    xhr,
    "open",
    (original: (...args: unknown[]) => void) =>
      function (this: XMLHttpRequest, ...args: unknown[]) {
        methods.set(this, String(args[0]));
        return original.apply(this, args);
      },
  );
  replace(
    xhr,
    "send",
    (original: (...args: unknown[]) => void) =>
      function (this: XMLHttpRequest, ...args: unknown[]) {
        const sent = original.apply(this, args);
        if (changes(methods.get(this))) {
          requests.set(this, Date.now());
          this.addEventListener("loadend", () => requests.delete(this), { once: true });
        }
        return sent;
      },
  );

  replace(
    globalThis.HTMLMediaElement?.prototype,
    "play",
    (original: () => Promise<void>) =>
      function (this: HTMLMediaElement) {
        watch(this, ({ paused, ended, muted, volume }) => !paused && !ended && !muted && volume > 0);
        return original.apply(this);
      },
  );

  /** Instances of a class, as they are made. */
  const made = <T extends object>(name: string, is: (it: T) => boolean) =>
    replace(window, name, (original: new (...args: unknown[]) => T) => {
      return new Proxy(original, {
        construct(target, args, newTarget: never) {
          const it = Reflect.construct(target, args, newTarget) as T;
          watch(it, is);
          return it;
        },
      });
    });
  made<AudioContext>("AudioContext", ({ state }) => state == "running");
  made<RTCPeerConnection>("RTCPeerConnection", ({ connectionState }) => /^connect/.test(connectionState));
  made<MediaRecorder>("MediaRecorder", ({ state }) => state != "inactive");

  const devices = globalThis.navigator?.mediaDevices;
  for (const name of ["getUserMedia", "getDisplayMedia"]) {
    replace(
      devices,
      name,
      (original: (...args: unknown[]) => Promise<MediaStream>) =>
        async function (this: MediaDevices, ...args: unknown[]) {
          const stream = await original.apply(this, args);
          watch(stream, (it) => it.getTracks().some(({ readyState }) => readyState == "live"));
          return stream;
        },
    );
  }

  return () => {
    const now = Date.now();
    for (const [request, at] of requests) if (now - at > REQUEST_MS) requests.delete(request);
    let busy = requests.size > 0;
    for (const ref of under) {
      const thing = ref.deref();
      if (!thing) under.delete(ref);
      else if (checks.get(thing)!()) busy = true;
    }
    return busy;
  };
}
