import * as Dialog from "@radix-ui/react-dialog";
import * as Menu from "@radix-ui/react-dropdown-menu";
import * as Popover from "@radix-ui/react-popover";
import type { Shown } from "./app";
import { Draft } from "./draft";

export function RadixDialog({ close }: Shown) {
  return (
    <Dialog.Root open onOpenChange={close}>
      <Dialog.Portal>
        <Dialog.Overlay style={{ position: "fixed", inset: 0, background: "#0006" }} />
        <Dialog.Content
          id="dialog"
          aria-describedby={undefined}
          // Where a dialog is usually moved to its middle, what is fixed within it isn't any more.
          style={{
            position: "fixed",
            top: "20%",
            left: "50%",
            transform: "translateX(-50%)",
            background: "#fff",
          }}
        >
          <Dialog.Title>A dialog</Dialog.Title>
          <Draft />
          <Dialog.Close>Close</Dialog.Close>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

export function RadixPopover({ close }: Shown) {
  return (
    <Popover.Root open onOpenChange={close}>
      <Popover.Trigger>Write</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content id="dialog" style={{ background: "#fff" }}>
          <Draft />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

export function RadixMenu({ close }: Shown) {
  return (
    <Menu.Root open onOpenChange={close}>
      <Menu.Trigger>Do</Menu.Trigger>
      <Menu.Portal>
        <Menu.Content id="dialog" style={{ background: "#fff" }}>
          <Menu.Item>This</Menu.Item>
          <Menu.Item>That</Menu.Item>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
