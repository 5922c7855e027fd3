#!/bin/sh
# What tests use of the machine beside Python: a browser, PHP, schools' file clients, a customer's server and an HSM.
# Debian's packages, all in one go, where we may install them. Without a browser Playwright brings its own (`make
# browser`); without one of the others its tests are skipped by name.
set -u
here() { command -v "$1" >/dev/null; }

missing=
need() { here "$1" || missing="$missing $2"; }
# The browser without windows: a context takes a fifth of the CPU that it takes in the whole one.
need chromium-headless-shell "chromium-headless-shell fonts-liberation"
need php php-cli
need sshd openssh-server
need sftp openssh-client
need lftp lftp
need rclone rclone
need psftp putty-tools
need softhsm2-util softhsm2
need curl curl

if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && here apt-get; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# Where one of them is not to be had, the others still are.
	apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
		for one in $missing; do
			apt-get install -y -qq --no-install-recommends "$one" >/dev/null || echo "$one could not be installed"
		done
fi
