/** What is lost with the dialog around it. */
export function Draft() {
  return (
    <p>
      <label>
        Draft <textarea id="draft" />
      </label>
      <button type="button" id="send">
        Send
      </button>
    </p>
  );
}
