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
  const key = (name: string) => `freshwire:${app}:${name}`;
  const self: Store = {
    get(name) {
      try {
        return off ? undefined : (JSON.parse(sessionStorage.getItem(key(name))!) ?? undefined);
      } catch {
        return undefined;
      }
    },
    set(name, value) {
      try {
        if (!off) {
          if (value === undefined) sessionStorage.removeItem(key(name));
          else sessionStorage.setItem(key(name), JSON.stringify(value));
        }
        return !off;
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
  return self;
}
