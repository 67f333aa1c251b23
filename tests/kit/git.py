"""What git is asked to do with a repository that is served."""

# With its URL: clone, push, fetch, a push in chunks (which is one of more than 1 MiB) and a shallow
# clone. What comes back is compared with what was sent.
USE = """set -e
export HOME=/nonexistent GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a \\
	GIT_AUTHOR_EMAIL=a@a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@a
top=$(mktemp -d) && trap 'rm -rf "$top"' EXIT && cd "$top"
git clone -q "$0" one && git clone -q "$0" two && cd one
date +%N >small && git add . && git commit -qm small && git push -q origin HEAD:main
git -C ../two pull -q --ff-only origin main && cmp small ../two/small
head -c 6291456 /dev/urandom >large && git add . && git commit -qm large
git push -q origin HEAD:main
git clone -q --depth 1 "$0" ../shallow && cmp large ../shallow/large
"""
