if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # An upgrade: the sockets stay open meanwhile.
    [ "$1" -eq 0 ] || systemctl try-restart anserd.service || :
fi
if [ "$1" -eq 0 ] && [ -d /var/lib/anser ]; then
    echo "anserd: messages, users and keys stay in /var/lib/anser"
fi
