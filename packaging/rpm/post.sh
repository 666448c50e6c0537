systemd-sysusers anserd.conf || :
systemd-tmpfiles --create anserd.conf || :
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # By the distribution's presets: most start nothing that is new.
    [ "$1" -ne 1 ] || systemctl preset anserd.service anserd.socket anserd-https.socket || :
fi
