"""The addresses that anybody may open: each is on this list because somebody decided so."""

from app import app

PUBLIC = """
GET  /                          the door
GET  /board/{department}        what every waiting phone reads
GET  /health                    the function answers
GET  /openapi.json              what programs may send
GET  /s/{file}                  scripts and pictures
GET  /worker.js                 the script that opens a kept ticket
GET  /{lang}                    the front page
GET  /{lang}/ask/{step}         the questions, for whoever has begun them in this browser
POST /{lang}/ask/{step}
GET  /{lang}/ask/check
POST /{lang}/ask/check          joins the queue
POST /{lang}/ask/person         somebody of the proven number is chosen
GET  /{lang}/back               a ticket's code is typed
POST /{lang}/back
GET  /{lang}/check/{sheet}      whoever holds a prescription's sheet asks whether it is real
GET  /{lang}/emergency          whom to call
GET  /{lang}/find               who does not know where their ticket is
POST /{lang}/find               a code by text, to a number and birth date
POST /{lang}/find/open          asks for the number that was proven in this browser
POST /{lang}/forget             this phone forgets
GET  /{lang}/number             what proving a number is good for; in a browser that has proven one, its people
POST /{lang}/number             a code by text
POST /{lang}/number/again
GET  /{lang}/number/code        where the code is entered
POST /{lang}/number/code
POST /{lang}/number/everywhere  these four ask for the number that was proven in this browser
POST /{lang}/number/out
GET  /{lang}/number/people
POST /{lang}/number/people
GET  /{lang}/staff              the sign-in page
POST /{lang}/staff
POST /{lang}/staff/password     the second and third form of signing in: Cognito asks for the one before them
POST /{lang}/staff/code
GET  /{lang}/waits              how our promises were kept
"""


def test_no_address_is_public_that_is_not_on_the_list() -> None:
    listed = {(line.split()[0], line.split()[1]) for line in PUBLIC.strip().splitlines()}
    entries = ((path, method, entry) for path, ways in app.routes.items() for method, entry in ways.items())
    assert {
        (method, path) for path, method, entry in entries if entry.view_function.by in ("public", "number")
    } == listed
