import { createRoot } from "react-dom/client";
import { App } from "./app";

const start = () => {
  const root = document.body.appendChild(document.createElement("div"));
  root.id = "root";
  createRoot(root).render(<App />);
};

if (document.body) start();
else addEventListener("DOMContentLoaded", start);
