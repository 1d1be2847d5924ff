import type { Freshwire } from "freshwire";
import { useHold, useKeep } from "freshwire/react";
import { useState } from "react";

const TEAS = [
  { name: "Morning Sencha", tin: "green", grams: 100, price: 14 },
  { name: "Smoked Oolong", tin: "amber", grams: 50, price: 19 },
  { name: "Winter Chai", tin: "red", grams: 200, price: 11 },
];

export function Order({ fresh }: { fresh: Freshwire }) {
  const [draft, setDraft] = useState("");
  const [tins, setTins] = useState(3);
  const [wrapping, setWrapping] = useState(false);
  useKeep(fresh, "draft", draft, setDraft, { version: 1 });
  useKeep(fresh, "tins", tins, setTins, { version: 1 });
  useHold(fresh, "gift wrapping", wrapping);
  return (
    <>
      <h1>Your order</h1>
      <p>Three tins, on your doorstep by Thursday.</p>
      <ul>
        {TEAS.map(({ name, tin, grams, price }) => (
          <li key={name}>
            <span className={`tin ${tin}`} />
            <b>{name}</b>
            <i>{grams} g</i>
            <span>€ {price}</span>
          </li>
        ))}
      </ul>
      <label>
        A note for us
        <textarea id="note" rows={3} value={draft} onChange={(event) => setDraft(event.target.value)} />
      </label>
      <label className="choice">
        <input
          id="wrap"
          type="checkbox"
          data-freshwire-ignore=""
          checked={wrapping}
          onChange={(event) => setWrapping(event.target.checked)}
        />
        I’m wrapping a gift
      </label>
      <p className="row">
        <button id="count" type="button" onClick={() => setTins(tins + 1)}>
          Add a tin
        </button>
        <output id="tins">{tins}</output> tins
      </p>
    </>
  );
}
