/**
 * This tab's memory across a reload, under `freshwire:<app>:<name>` in sessionStorage. Per tab on purpose: tabs that
 * refresh side by side must not use up each other's tries.
 */
export interface Store {
  get<T>(name: string): T | undefined;
  /** Says whether it was kept. `undefined` removes. */
  set(name: string, value: unknown): boolean;
  /** Reads and removes. */
  take<T>(name: string): T | undefined;
}

/** `off`: keeps nothing. A storage that is blocked or full behaves the same. */
export function store(app: string, off: boolean): Store {
  let area: Storage | undefined;
  const key = (name: string) => `freshwire:${app}:${name}`;
  const self: Store = {
    get(name) {
      try {
        return JSON.parse(area!.getItem(key(name))!) ?? undefined;
      } catch {
        return undefined;
      }
    },
    set(name, value) {
      try {
        if (value === undefined) area!.removeItem(key(name));
        else area!.setItem(key(name), JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
    take(name) {
      const value = self.get<never>(name);
      self.set(name, undefined);
      return value;
    },
  };
  try {
    if (!off) area = sessionStorage;
  } catch {
    // The part warns of it.
  }
  return self;
}
