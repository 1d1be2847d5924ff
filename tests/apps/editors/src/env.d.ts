/** It has no types of its own; so much of it is used. */
declare module "codemirror5" {
  export default function CodeMirror(
    place: HTMLElement,
    options: { value: string },
  ): { focus(): void; getValue(): string; setSize(width: string, height: string): void };
}
