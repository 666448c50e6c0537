#!/usr/bin/env python3
"""What the two programs are made of: a CycloneDX bill of materials and the notices of other people's licences.

components.py FOLDER TARGET writes sbom.cdx.json and NOTICES there, the same for the same lock file and commit.
"""

import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import uuid

PROGRAMS = ["anserd", "anser-client"]
ROOT = pathlib.Path(__file__).resolve().parent.parent


def told(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(target):
    """Name and version of every crate that ends up in a program: not those of tests and build scripts."""
    args = ["--locked", "--offline", "--target", target, "-e", "normal", "--prefix", "none", "-f", "{p}"]
    lines = told("cargo", "tree", *args, *(word for name in PROGRAMS for word in ("-p", name))).splitlines()
    return {tuple(line.split(" ")[:2]) for line in lines if line}


def checksums():
    """By name and version, out of the lock file."""
    sums, package = {}, {}
    for line in (ROOT / "Cargo.lock").read_text().splitlines() + ["[[package]]"]:
        if line == "[[package]]":
            if "checksum" in package:
                sums[package["name"], package["version"]] = package["checksum"]
            package = {}
        elif " = " in line:
            key, value = line.split(" = ", 1)
            package[key] = value.strip('"')
    return sums


def component(package, checksum):
    name, version = package["name"], package["version"]
    shown = {
        "type": "library" if package["source"] else "application",
        "bom-ref": reference(package),
        "name": name,
        "version": version,
        "purl": reference(package),
        "licenses": [{"expression": package["license"].replace("/", " OR ")}],
    }
    if package["description"]:
        shown["description"] = " ".join(package["description"].split())
    if package["repository"]:
        shown["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if checksum:
        shown["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return shown


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def bill(packages, nodes, version):
    by_id = {package["id"]: package for package in packages}
    sums = checksums()
    own = {"type": "application", "bom-ref": "anser", "name": "anser", "version": version,
           "licenses": [{"expression": "Apache-2.0"}]}
    depends = [{"ref": "anser", "dependsOn": sorted(reference(p) for p in packages if p["name"] in PROGRAMS)}]
    for package in packages:
        on = {reference(by_id[dep["pkg"]]) for dep in nodes[package["id"]]["deps"] if dep["pkg"] in by_id}
        depends.append({"ref": reference(package), "dependsOn": sorted(on)})
    seed = hashlib.sha256((ROOT / "Cargo.lock").read_bytes() + version.encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        "version": 1,
        "metadata": {"timestamp": released().strftime("%Y-%m-%dT%H:%M:%SZ"), "component": own},
        "components": [component(p, sums.get((p["name"], p["version"]))) for p in packages],
        "dependencies": depends,
    }


def released():
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or told("git", "log", "-1", "--format=%ct")
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)


def licence_texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    names = ("license", "licence", "copying", "notice", "copyright")
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name.lower().startswith(names)]
    return [file.read_text(errors="replace").replace("\r\n", "\n").strip() for file in files]


def notices(packages):
    """Each text once, under the names of all whose it is."""
    others = [package for package in packages if package["source"]]
    lines = ["Anser is licensed as follows.", "", (ROOT / "LICENSE").read_text().strip(), "", "=" * 78, ""]
    lines += ["It contains these works of others, under the licences named here.", ""]
    lines += [f"{p['name']} {p['version']}: {p['license']}" for p in others]
    whose = {}
    for package in others:
        for text in licence_texts(package):
            whose.setdefault(text, []).append(package["name"])
    for text, names in sorted(whose.items(), key=lambda entry: entry[1]):
        lines += ["", "=" * 78, ", ".join(sorted(set(names))), "=" * 78, "", text]
    return "\n".join(lines) + "\n"


def main(folder, target):
    metadata = json.loads(told("cargo", "metadata", "--locked", "--offline", "--format-version", "1",
                               "--filter-platform", target))
    wanted = {(name, version.lstrip("v")) for name, version in linked(target)}
    packages = [p for p in metadata["packages"] if (p["name"], p["version"]) in wanted]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    version = next(p["version"] for p in packages if p["name"] == "anserd")
    folder = pathlib.Path(folder)
    (folder / "sbom.cdx.json").write_text(json.dumps(bill(packages, nodes, version), indent=1, ensure_ascii=False) + "\n")
    (folder / "NOTICES").write_text(notices(packages))


if __name__ == "__main__":
    main(*sys.argv[1:])
