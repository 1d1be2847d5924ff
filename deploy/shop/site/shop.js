// Three routes without a reload, and a line that says how this page stands.
const titles = { "/": "Shop", "/tea": "Tea", "/kettles": "Kettles" };
const show = () => (document.getElementById("title").textContent = titles[location.pathname] ?? "Not found");

document.querySelector("nav").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.defaultPrevented) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
});
addEventListener("popstate", show);
show();

(window.freshwire ||= []).push((fresh) => {
  const say = () => {
    const { standing, connection, current } = fresh.status;
    const newest = current ? `; current is ${current.version ?? current.build}` : "";
    document.getElementById("standing").textContent = `This page is ${standing ?? "unknown"} (${connection})${newest}.`;
  };
  fresh.on("status", say);
  say();
});
