#!/bin/sh
# Install Debian's Chromium for the tests of live pages, where there is none and this is root's to do.
# It never fails and takes three minutes at most: without a browser those tests are skipped.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    printf '%s\n' "no browser: the tests of live pages are skipped (Debian, Ubuntu: apt install chromium)" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
timeout 180 sh -c 'apt-get install -qq -y --no-install-recommends chromium ||
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; }' >/dev/null 2>&1 ||
    printf '%s\n' "Chromium could not be installed: the tests of live pages are skipped" >&2
exit 0
