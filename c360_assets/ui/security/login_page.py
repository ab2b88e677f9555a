"""The pages for logging in and out: HTML of their own, without scripts, whatever else is broken.

Belongs here: what they look like. Not here: whether a password is right (`login`).
"""

from __future__ import annotations

from html import escape

from c360_assets.ui.security.users import MAXIMUM_CHARACTERS

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1b2430;
  --soft: #566172; --line: #7b8696; --strong: #1d4ed8; --on-strong: #fff; --bad: #a61b1b;
  --bad-ground: #fdecec }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1b212a; --text: #e8ecf2;
  --soft: #aab4c3; --line: #7d8899; --strong: #8ab4ff; --on-strong: #0c1524; --bad: #ffb4ab;
  --bad-ground: #3b1a1a } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 22rem; padding: 1.5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem }
h1 { margin: 0 0 1rem; font-size: 1.25rem }
label { display: block; margin-top: 1rem; font-weight: 600 }
input { width: 100%; padding: .6rem; margin-top: .25rem; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: .375rem }
button { width: 100%; margin-top: 1.5rem; padding: .7rem; font: inherit; font-weight: 600;
  color: var(--on-strong); background: var(--strong); border: 0; border-radius: .375rem;
  cursor: pointer }
a { color: var(--strong) }
p { margin: .75rem 0 0; color: var(--soft) }
.problem { padding: .6rem .75rem; color: var(--bad); background: var(--bad-ground);
  border: 1px solid var(--bad); border-radius: .375rem }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px }
"""


def login_page(csrf: str, next_: str, *, name: str = "", problem: str = "") -> str:
    """The form for name and password; `problem` says why the last try did not do."""
    told = f'<p class="problem" role="alert" id="problem">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="problem"' if problem else ""
    return _page(
        "Log in",
        f"""<h1>Log in to c360</h1>
{told}
<form method="post" action="/login">
<input type="hidden" name="csrf" value="{escape(csrf)}">
<input type="hidden" name="next" value="{escape(next_)}">
<label for="name">Name</label>
<input id="name" name="name" value="{escape(name)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" required maxlength="64"{described}{"" if name else " autofocus"}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 maxlength="{MAXIMUM_CHARACTERS}"{described}{" autofocus" if name else ""}>
<button type="submit">Log in</button>
</form>""",
    )


def nobody_page() -> str:
    """Where there are no users to log in as."""
    return _page(
        "Log in",
        "<h1>Log in to c360</h1>"
        "<p>Nobody can log in here: a proxy says who people are, and you came past it, or it did "
        "not know you. Take the address that you were given for these pages.</p>",
    )


def logout_page(csrf: str, name: str) -> str:
    """The form that ends a login."""
    return _page(
        "Log out",
        f"""<h1>Log out?</h1>
<p>You are logged in as {escape(name)}.</p>
<form method="post" action="/logout">
<input type="hidden" name="csrf" value="{escape(csrf)}">
<button type="submit">Log out</button>
</form>
<p><a href="/">Back to the start page</a></p>""",
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title} · c360</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
