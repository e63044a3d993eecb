"""The page that a browser without a session gets: it asks for a token and trades it for a cookie.

Self-contained, because nothing else is served without a token; its script and its style are named
in its policy by their hashes. A link may bring the token behind `#`, where no server and no log
sees it; it is taken out of the address at once.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: Canvas; color: CanvasText; }
main { width: min(26rem, calc(100vw - 3rem)); }
h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 1.5rem; }
label { display: block; font-weight: 500; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem .75rem;
  border-radius: 6px; border: 1px solid color-mix(in srgb, CanvasText 40%, Canvas); }
input { margin: .25rem 0 1rem; background: Canvas; color: CanvasText; }
button { background: CanvasText; color: Canvas; cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
p { color: color-mix(in srgb, CanvasText 70%, Canvas); margin: 1rem 0 0; }
p[role=alert]:empty { display: none; }
code { font-size: .9em; overflow-wrap: anywhere; }
"""

SCRIPT = """
const form = document.querySelector("form");
const input = document.querySelector("input");
const button = document.querySelector("button");
const said = document.querySelector("[role=alert]");

async function signIn(token) {
  button.disabled = true;
  said.textContent = "";
  try {
    const answer = await fetch("/api/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) return enter();
    const problem = await answer.json().catch(() => ({}));
    said.textContent = problem.detail || `The server answered ${answer.status}.`;
  } catch {
    said.textContent = "The server does not answer. Is it running?";
  }
  button.disabled = false;
  input.select();
}

async function start() {
  const token = decodeURIComponent(location.hash.slice(1));
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    return signIn(token);
  }
  // Behind a link from elsewhere the cookie was held back: asked from here it comes along.
  const known = await fetch("/api/me").catch(() => null);
  const tried = Number(sessionStorage.getItem("entered-at") ?? 0);
  if (known && known.ok && Date.now() - tried > 10000) enter();
}

function enter() {
  sessionStorage.setItem("entered-at", String(Date.now()));
  location.replace(location.pathname + location.search);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(input.value.trim());
});
addEventListener("hashchange", start);
start();
"""

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Haulage</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Haulage</h1>
<form>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>
<p role="alert"></p>
<p>On the machine that runs Haulage it is in the file <code>token</code> of the data directory.</p>
<noscript><p>Signing in needs JavaScript. In a terminal: <code>haulage jobs</code></p></noscript>
</main>
<script>{SCRIPT}</script>
</body>
</html>
""".encode()


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
