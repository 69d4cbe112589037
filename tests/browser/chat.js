// A chat page that keeps what happens to it, so that a test can ask: `seen` holds the events of its WebSocket in order.

const said = document.getElementById("said");
const say = document.getElementById("say");

window.seen = [];
window.ws = null;

window.connect = (path = "/", protocols = [], host = location.host) => {
    ws = new WebSocket(`${location.protocol.replace("http", "ws")}//${host}${path}`, protocols);
    ws.binaryType = "arraybuffer";
    ws.onopen = () => seen.push({ open: true, protocol: ws.protocol, extensions: ws.extensions });
    ws.onerror = () => seen.push({ error: true });
    ws.onclose = ({ code, reason, wasClean }) => seen.push({ code, reason, wasClean });
    ws.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) {
            seen.push({ bytes: Array.from(new Uint8Array(data)) });
        } else {
            seen.push({ text: data });
            said.append(Object.assign(document.createElement("li"), { textContent: data }));
        }
    };
};

// Sends a message to a server that echoes, and tells whether the same comes back, of the same kind.
window.echoed = (message) => new Promise((resolve) => {
    const before = ws.onmessage;
    ws.onmessage = ({ data }) => {
        ws.onmessage = before;
        if (typeof message === "string") {
            resolve(data === message);
        } else {
            const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : [];
            resolve(bytes.length === message.length && message.every((byte, i) => byte === bytes[i]));
        }
    };
    ws.send(message);
});

say.onsubmit = (event) => {
    event.preventDefault();
    ws.send(say.elements.text.value);
    say.reset();
};
