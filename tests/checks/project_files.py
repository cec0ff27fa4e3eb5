"""Files of the DVC projects that the tests check."""

TINY_FILES = {
    "dvc.yaml": """\
stages:
  prepare:
    cmd: sh prepare.sh
    deps: [prepare.sh, raw.txt]
    outs: [data]
  score:
    cmd: sh score.sh
    deps: [data, score.sh]
    params: [level, numerics]
    outs: [report.txt]
    metrics: [metrics.json: {cache: false}]
""",
    "params.yaml": "level: 90\nnumerics: portable\n",
    "raw.txt": "raw\n",
    # Outputs that depend on the environment variable NOISE are not reproducible.
    "prepare.sh": "mkdir -p data/deep; cp raw.txt data/a.txt; (cat raw.txt; echo $NOISE) > data/deep/b.txt\n",
    "score.sh": """\
level=$(sed -n 's/^level: //p' params.yaml)
grep -q native params.yaml && level=${level}5
echo "{\\"test\\": {\\"accuracy\\": 0.$level$NOISE}, \\"loss\\": 0.5}" > metrics.json
cat data/a.txt > report.txt
""",
}

# All other features of dvc.yaml.
FULL_FILES = {
    ".dvcignore": "*.ignored\n",
    "settings/a.toml": "[model]\nsize = 3\n",
    "settings/a.py": "sizes = (1, 2)\n",
    "code/one.py": "1\n",
    "code/deep/two.py": "2\n",
    "code/three.ignored": "3\n",
    "mixed/git.txt": "git\n",
    "params.yaml": "names: [x, y]\nmodel: {size: 3, kind: small}\n",
    "dvc.yaml": """\
vars: [folder: made]
stages:
  first:
    cmd: mkdir -p ${folder}/deep && cp raw.csv ${folder}/deep/x.txt && echo 'size 4' > ${folder}/y.txt
    deps: [raw.csv, code]
    params: [model]
    outs: ["${folder}"]
  inner:
    cmd: cp raw.csv mixed/made.txt
    deps: [made/deep, made/y.txt]
    outs: [mixed/made.txt]
  copied:
    cmd: mkdir copied && cp mixed/git.txt copied
    deps: [mixed, out]
    outs: [copied]
  each:
    foreach: ${names}
    do:
      cmd: mkdir -p out && echo ${item} ${model.size} > out/${item}.txt
      deps: [mixed/git.txt]
      outs: ["out/${item}.txt": {persist: true}]
  grid:
    matrix: {a: [1, 2], b: [3]}
    cmd: echo ${item.a} ${item.b} > grid${item.a}.txt
    params: [settings/a.toml: null, settings/a.py: [sizes]]
    outs: ["grid${item.a}.txt": {cache: false}]
  frozen:
    cmd: cp raw.csv frozen.txt
    deps: [raw.csv]
    outs: [frozen.txt]
    frozen: false
  values:
    cmd: "echo 'size: 4' > values.yaml"
    deps: [raw.csv]
    outs: [values.yaml]
  reads_values:
    cmd: cp values.yaml values_copy.yaml
    params: [values.yaml: [size]]
    outs: [values_copy.yaml]
  outside:
    cmd: cat ../outside.txt > outside_copy.txt
    deps: [../outside.txt, /bin/sh]
    outs: [outside_copy.txt]
""",
    "sub/dvc.yaml": """\
stages:
  nested:
    wdir: ../code
    cmd: cp one.py ../sub/copy.py
    deps: [one.py]
    outs: [../sub/copy.py]
""",
}
