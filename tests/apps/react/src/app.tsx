import { useFreshwire } from "freshwire/react";
import { Component, lazy, Suspense, type MouseEvent, type ReactNode } from "react";
import { Order } from "./order";
import { go, usePath } from "./path";

const Orders = lazy(() => import("./orders"));

function Link({ to, children }: { to: string; children: ReactNode }) {
  const follow = (event: MouseEvent) => {
    event.preventDefault();
    go(to);
  };
  return (
    <a href={to} onClick={follow}>
      {children}
    </a>
  );
}

/** A page that can't be loaded leaves the rest of the shop standing. */
class Guarded extends Component<{ children: ReactNode }, { failed: boolean }> {
  state = { failed: false };
  static getDerivedStateFromError = () => ({ failed: true });
  render() {
    return this.state.failed ? <p role="alert">This page can’t be shown just now.</p> : this.props.children;
  }
}

export function App() {
  const { fresh, status, updated } = useFreshwire({ app: __APP__, url: __FRESHWIRE_URL__ });
  const path = usePath();
  return (
    <>
      <header>
        <strong>Harbour Tea</strong>
        <nav>
          <Link to="/">Shop</Link>
          <Link to="/orders">Orders</Link>
        </nav>
      </header>
      <main>
        <Guarded key={path}>
          <Suspense fallback={<p>One moment…</p>}>
            {path == "/orders" ? <Orders /> : <Order fresh={fresh} />}
          </Suspense>
        </Guarded>
        <footer data-build={fresh.build} data-standing={status.standing} data-connection={status.connection}>
          <span id="label">{__LABEL__}</span>
          {updated && <span id="updated">A newer version of this page is out.</span>}
        </footer>
      </main>
    </>
  );
}
