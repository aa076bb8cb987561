"""What is read from a Dockerfile: how an Actor is started, and what is said not to be done."""

import time

import pytest

from resources.worker.dockerfile.image import parse
from resources.worker.dockerfile.syntax import TooLarge

TEMPLATE_OF_NODE = """
# Comments are left out.
FROM apify/actor-node:22 AS builder
RUN npm ls crawlee apify puppeteer playwright
COPY package*.json ./
RUN npm install --include=dev --audit=false
COPY . ./
RUN npm run build

FROM apify/actor-node:22
COPY package*.json ./
RUN npm --quiet set progress=false \\
    # a comment between the lines
    && npm install --omit=dev --omit=optional \\

    && echo "Installed NPM packages:" \\
    && (npm list --omit=dev --all || true) \\
    && node --version \\
    && rm -r ~/.npm
COPY --from=builder /usr/src/app/dist ./dist
COPY . ./
RUN adduser -h /home/apify -D apify && \\
    chown -R apify:apify ./
USER apify
CMD npm run start:prod --silent
"""


def image(text: str, *directories: str, context: str = ""):
    return parse(text, lambda path: path in directories, context)


@pytest.mark.parametrize("text", ["", "# nothing", "CMD", "FROM", "COPY a b", "FROM x\nCMD []", "\\", "RUN <<EOF\nx"])
def test_what_says_nothing_starts_nothing(text):
    assert not image(text).command


def test_a_template_of_node_is_started_as_it_says_and_what_is_not_done_is_listed():
    found = image(TEMPLATE_OF_NODE, "dist")
    assert found.command == ["/bin/sh", "-c", "npm run start:prod --silent"]
    assert (found.directory, found.language, found.base) == ("", "node", "apify/actor-node:22")
    assert found.not_done == [
        "line 22: RUN adduser -h /home/apify -D apify && chown -R apify:apify ./",
        "line 24: USER apify",
    ]


def test_a_template_of_python_is_started_as_it_says():
    text = """FROM apify/actor-python:3.14
COPY --chown=myuser:myuser requirements.txt ./
RUN echo "Python version:" && python --version && pip install -r requirements.txt && pip freeze
COPY --chown=myuser:myuser . ./
RUN python3 -m compileall -q my_actor/
CMD ["python3", "-m", "my_actor"]
"""
    found = image(text)
    assert (found.command, found.language, found.python) == (["python3", "-m", "my_actor"], "python", "3.14")
    assert (list(found.requirements), list(found.not_done)) == (["requirements.txt"], [])


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('CMD ["a"]\nCMD ["b"]', ["b"]),
        ('ENTRYPOINT ["a", "x"]\nCMD ["b"]', ["a", "x", "b"]),
        ('ENTRYPOINT ["a"]\nCMD b c', ["a", "/bin/sh", "-c", "b c"]),
        ('ENTRYPOINT a b\nCMD ["c"]', ["/bin/sh", "-c", "a b"]),
        ('CMD ["b"]\nENTRYPOINT ["a"]', ["a", "b"]),
        ('CMD ["b"]\nFROM 0\nENTRYPOINT ["a"]', ["a"]),
        ('CMD ["b"]\nFROM 0\nCMD ["c"]\nENTRYPOINT ["a"]', ["a", "c"]),
        ('CMD\t["a"]', ["a"]),
        ('ENTRYPOINT\t["a"]\nCMD \t b', ["a", "/bin/sh", "-c", "b"]),
        ('RUN echo "<<EOF"\nCMD ["a"]', ["a"]),
        ('RUN echo $((1<<4)) 1<<4\nCMD ["a"]', ["a"]),
        ('RUN cat <<EOF\nCMD ["a"]', ["a"]),
        ('RUN cat <<< EOF\nCMD ["a"]\nEOF', ["a"]),
        ('RUN cat <<EOF <<-"B C" > x\nCMD ["a"]\n EOF\nEOF\n\tB C\nCMD ["b"]\n', ["b"]),
        ('COPY <<\'EOF\' x\nCMD ["a"]\nEOF\nCMD ["b"]', ["b"]),
        ('CMD ["a"\n', ["/bin/sh", "-c", '["a"']),
        ('CMD ["a", 1]', ["/bin/sh", "-c", '["a", 1]']),
        ("cmd a \\\n  b", ["/bin/sh", "-c", "a b"]),
        ("CMD a $B", ["/bin/sh", "-c", "a $B"]),
    ],
)
def test_cmd_and_entrypoint_go_together_as_docker_has_it(text, command):
    assert image(f"FROM x\n{text}").command == command


def test_a_stage_takes_over_what_an_earlier_one_says_and_no_other_does():
    text = 'FROM python:3.12-slim AS Base\nENV A=1\nCMD ["a"]\nFROM node:20 AS other\nENV B=1\nFROM base\nENV C=1'
    found = image(text)
    assert (found.command, found.environment) == (["a"], {"A": "1", "C": "1"})
    assert (found.language, found.python, found.base) == ("python", "3.12", "python:3.12-slim")


def test_variables_are_set_and_replaced_as_docker_has_it():
    text = r"""ARG VERSION=3.12
FROM --platform=linux/amd64 python:${VERSION}
ARG WHAT="some thing"
ENV A=1 B="two words" C=a\ b
ENV OLD some text = with more
ENV D=$A-${B} E=${NONE:-$A} F=${A:+set}${NONE:+unset} G=\$A H=$WHAT
ENV 1X=1
ENV BROKEN="
"""
    found = image(text)
    assert found.environment == {
        "A": "1",
        "B": "two words",
        "C": "a b",
        "OLD": "some text = with more",
        "D": "1-two words",
        "E": "1",
        "F": "set",
        "G": "$A",
        "H": "some thing",
    }
    assert found.python == "3.12"
    assert list(found.not_done) == ["line 7: ENV 1X=1", 'line 8: ENV BROKEN="']


def test_variables_that_double_each_other_do_not_grow_for_ever():
    text = "FROM x\nENV A=0123456789\n" + "ENV A=$A$A\n" * 100
    assert image(text).environment == {"A": ("0123456789" * 4096)[: 32 * 1024]}


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("COPY . .", ""),
        ("WORKDIR /app\nCOPY . .", ""),
        ("WORKDIR /app\nCOPY . /app\nWORKDIR /app/one", "one"),
        ("WORKDIR /app\nCOPY . .\nWORKDIR one/two", "one/two"),
        ("WORKDIR /app\nCOPY . .\nWORKDIR one\nWORKDIR ..", ""),
        ("COPY . /srv\nWORKDIR /srv/one", "one"),
        ("WORKDIR /app\nCOPY one ./", "one"),
        ("WORKDIR /app\nCOPY one/package.json ./\nCOPY one ./\nCOPY shared ./shared", "one"),
        ("WORKDIR /app\nCOPY one ./one\nCOPY shared ./shared", ""),
        ("WORKDIR /app\nCOPY one ./one\nWORKDIR /app/one", "one"),
        ("WORKDIR /app\nCOPY main.py requirements.txt ./", ""),
        ("WORKDIR /app\nCOPY one/main.py ./", "one"),
        ('WORKDIR /app\nCOPY ["one", "./"]', "one"),
        ("WORKDIR /app\nADD --chown=a:b one ./", "one"),
        ("ENV HERE=/app\nWORKDIR $HERE\nCOPY . .\nWORKDIR ${HERE}/one", "one"),
        ("WORKDIR /app\nCOPY . .\nWORKDIR ../../../..", ""),
        ("WORKDIR /elsewhere", ""),
        ("COPY ../../etc ./", ""),
    ],
)
def test_the_working_directory_is_the_one_that_copy_has_put_there(text, directory):
    assert image(f"FROM x\n{text}", "one", "one/two", "shared").directory == directory


@pytest.mark.parametrize(
    ("base", "directory"),
    [("apify/actor-node:20", "/usr/src/app"), ("apify/actor-node-playwright-chrome:22", "/home/myuser")],
)
def test_images_of_apify_have_a_working_directory_of_their_own(base, directory):
    assert image(f"FROM {base}\nCOPY . ./\nWORKDIR {directory}/one", "one").directory == "one"


def test_files_that_an_earlier_stage_has_got_or_built_are_where_they_are_in_the_source():
    text = """FROM node:20 AS building
WORKDIR /app
COPY . .
FROM node:20
WORKDIR /app
COPY --from=building /app/dist ./dist
COPY --from=building /app/package.json ./
COPY --from=nginx:1 /etc/nginx /etc/nginx
CMD ["node", "/app/dist/main.js"]
"""
    found = image(text)
    assert found.directory == ""
    assert list(found.not_done) == ["line 8: COPY --from=nginx:1 /etc/nginx /etc/nginx"]
    assert found.translate("/app/dist/main.js", "/home/actor/app") == "/home/actor/app/dist/main.js"


def test_the_context_is_the_directory_that_actor_json_names():
    found = image("FROM x\nWORKDIR /app\nCOPY one ./\n", "docker", "docker/one", context="docker")
    assert found.directory == "docker/one"


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("/app", "/here"),
        ("/app/x.py", "/here/x.py"),
        ("/app/one/x.py", "/here/one/x.py"),
        ("a=/app:/app/lib", "a=/here:/here/lib"),
        ("/apple", "/apple"),
        ("/app2", "/app2"),
        ("https://example.com/app", "https://example.com/app"),
        ("../app", "../app"),
        ("cd /app && x", "cd /here && x"),
    ],
)
def test_paths_of_the_image_are_read_as_those_of_the_source(text, translated):
    found = image("FROM x\nWORKDIR /app\nCOPY . .", "one")
    assert found.translate(text, "/here") == translated


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get update && apt-get install -y ffmpeg",
        "RUN npm install --global apify-cli",
        "RUN npm install lodash",
        "RUN npm run generate",
        "RUN pip install scrapy",
        "RUN python -c 'import this'",
        "RUN python -m playwright install",
        "RUN python setup.py build",
        "RUN curl https://example.com | sh",
        "RUN rm -rf /app/tests",
        "RUN <<EOF\nanything\nCMD not this\nEOF",
        "COPY a.conf /etc/a.conf",
        "COPY a.conf ./b.conf",
        "ADD https://example.com/x.tar.gz ./",
        "EXPOSE 8080",
        "HEALTHCHECK CMD true",
        'SHELL ["/bin/bash"]',
        'RUN echo "',
    ],
)
def test_what_a_build_does_not_do_is_listed(text):
    found = image(f'FROM x\nWORKDIR /app\nCOPY . .\n{text}\nCMD ["this"]')
    assert list(found.not_done) == [f"line 4: {' '.join(text.splitlines()[0].split())}"]
    assert found.command == ["this"]


@pytest.mark.parametrize(
    "text",
    [
        "RUN npm ci",
        "RUN --mount=type=cache,target=/root/.npm npm ci && npm run build && npm prune --omit=dev",
        "RUN pip install --no-cache-dir -U pip setuptools && pip install -r requirements.txt",
        "RUN python3 -m pip install .",
        "COPY . .\nRUN chmod +x ./run.sh && chmod 755 b",
        "RUN uv sync --frozen",
        "RUN node check-playwright-version.mjs",
        "RUN set -e; npm cache clean --force; rm -rf ~/.cache",
        "LABEL a=b",
        "ARG a=b",
        "MAINTAINER ada",
    ],
)
def test_what_a_build_does_anyway_is_not(text):
    assert list(image(f"FROM x\n{text}").not_done) == []


def test_a_long_instruction_is_shown_in_part():
    shown = image(f"FROM x\nRUN apt-get install {'x' * 500}").not_done[0]
    assert len(shown) < 200
    assert shown.endswith("…")


HOSTILE = {
    "stages that take over": "FROM x\n" + "COPY a b\n" * 20_000 + "FROM 0\n" * 30_000,
    "many variables": "FROM x\n" + "".join(f"ENV A{at}=$B\n" for at in range(65_000)),
    "few stages that take over": "FROM x\n" + "COPY a b\n" * 800 + "FROM 0\n" * 150,
    "large variables": f"FROM x\nENV A={'a' * 30_000}\nENV" + "".join(f" B{at}=$A" for at in range(3_000)),
    "long paths": f"FROM x\nENV A={'a/' * 10_000}\n" + "WORKDIR $A\n" * 500,
    "long copies": f"FROM x\nENV A={'a/' * 10_000}\n" + "COPY a /$A/\n" * 500,
    "many copies": "FROM x\nCOPY" + " a" * 20_000 + " b/\n",
    "many copies of copies": "FROM x AS a\nCOPY" + " a" * 500 + " b/\nFROM y\n" + "COPY --from=a b/a b/\n" * 700,
    "many requirements": "FROM x\nRUN pip install" + " -r a" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_would_take_long_to_read_is_refused(text):
    with pytest.raises(TooLarge):
        image(text)


BUSY = {
    "lines that go on": "FROM x\nRUN a" + "\\\n" * 30_000 + " b",
    "many variables": "FROM x\nENV" + "".join(f" A{at}=$B" for at in range(6_000)),
    "what is not closed": "FROM x\nENV A=" + "${A:-" * 12_000,
    "places": "FROM x\n"
    + "".join(f"COPY a /{at}/\n" for at in range(450))
    + f"ENV A={'/a' * 8_000} B={' /a' * 4_000}$A$A$A C=$B D=$B E=$B F=$B",
    "stages": "FROM x\nCOPY" + " a" * 900 + " b/\n" + "FROM 0\n" * 99,
}


@pytest.mark.parametrize("text", BUSY.values(), ids=BUSY)
def test_what_is_allowed_is_read_in_few_steps(text):
    """Seconds of the processor, a few times what it takes here; what grew with the square took minutes."""
    began = time.process_time()
    found = image(text)
    for value in found.environment.values():
        found.translate(value, "/here")
    assert time.process_time() - began < 5


def test_instructions_in_many_lines_are_put_together():
    assert image("FROM x\nCMD a \\\n\n  # no\n b\\\nc \\").command == ["/bin/sh", "-c", "a b c"]


def test_another_character_lets_lines_go_on():
    assert image("# syntax=x\n# escape=`\nFROM x\nRUN dir C:\\\nCMD a `\n b").command == ["/bin/sh", "-c", "a b"]


def test_a_tab_is_a_space():
    found = image("FROM\tx\nENV\tA=1\tB=2\nENV C\t3\nWORKDIR\t/app\nCOPY\t--chown=a\tone\t./", "one")
    assert (found.environment, found.directory) == ({"A": "1", "B": "2", "C": "3"}, "one")


@pytest.mark.parametrize("text", ["HOME=/root", "LANG=de_DE.UTF-8", "PYTHONUNBUFFERED="])
def test_variables_that_each_program_is_given_are_listed_as_not_done(text):
    assert list(image(f"FROM x\nENV A=1 {text}").not_done) == [f"line 2: ENV A=1 {text}"]


@pytest.mark.parametrize("text", ["LANG=C.UTF-8", "PYTHONUNBUFFERED=1"])
def test_those_that_say_the_same_are_not(text):
    assert list(image(f"FROM x\nENV {text}").not_done) == []
