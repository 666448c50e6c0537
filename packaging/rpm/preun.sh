# The last one goes: sockets first, or the next device would start the daemon again.
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now anserd.socket anserd-https.socket anserd.service || :
fi
