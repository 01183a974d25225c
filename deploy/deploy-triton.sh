#!/usr/bin/env bash
# make deploy-triton: an overlay of deploy/overlays into a namespace.
#
#   OVERLAY    cpu, gpu, spot, multi-node, dev, prod, kserve; or a path to an overlay of your own
#   NAMESPACE  where to
#   REGISTRY   where `make push` put the image, and TAG which; empty where the overlay says it
#   DRY_RUN    1: prints the manifests, and asks no cluster
#   TIMEOUT_S  how long to wait for the replicas [900]
set -euo pipefail
cd "$(dirname "$0")/.."

kubectl=${KUBECTL:-kubectl}
selector=app.kubernetes.io/name=sparseinst-triton
mkdir -p build
made=$(mktemp -d build/deploy-triton.XXXXXX)  # kustomize builds on folders of the same tree only by relative paths
trap 'rm -rf "$made"' EXIT
poll_s=${POLL_S:-5}

say() { echo "deploy-triton: $*" >&2; }

fail() { # problem, where, fix, exit code
  printf 'error: %s\n  where: %s\n  fix:   %s\n' "$1" "$2" "$3" >&2
  exit "$4"
}

folder() {
  if [ -z "${OVERLAY:-}" ]; then
    fail "There is no overlay named." OVERLAY "Give OVERLAY=$(ls deploy/overlays | paste -sd'|')." 2
  fi
  for each in "deploy/overlays/$OVERLAY" "$OVERLAY"; do
    if [ -f "$each/kustomization.yaml" ]; then realpath --relative-to="$made" "$each"; return; fi
  done
  fail "There is no overlay '$OVERLAY'." OVERLAY "One of: $(ls deploy/overlays | paste -sd' ')." 2
}

render() {
  local overlay
  overlay=$(folder)
  {
    echo "apiVersion: kustomize.config.k8s.io/v1beta1"
    echo "kind: Kustomization"
    echo "resources: [$overlay]"
    if [ -n "${REGISTRY:-}" ]; then
      echo "images: [{name: sparseinst-triton, newName: ${REGISTRY%/}/sparseinst-triton${TAG:+, newTag: \"$TAG\"}}]"
    fi
  } > "$made/kustomization.yaml"
  "$kubectl" kustomize "$made" > "$made/manifests.yaml"
}

# What the pods wait for in vain if it is missing. Who may not look goes on.
need() { # kind/name, fix
  local answer
  answer=$("$kubectl" get "$1" -n "$NAMESPACE" -o name 2>&1) || case $answer in
    *NotFound*) fail "There is no $1." "namespace $NAMESPACE" "$2" 2 ;;
  esac
}

need_all() {
  local name
  for name in sparseinst-s3-triton sparseinst-triton-key; do
    need "secret/$name" "Make the secrets: deploy/secrets/template."
  done
  for name in $(sed -n 's/^ *priorityClassName: //p' "$made/manifests.yaml"); do
    need "priorityclass/$name" "Let the cluster's administrator do: kubectl apply -k deploy/cluster."
  done
}

show_changes() {
  local code=0
  "$kubectl" diff -n "$NAMESPACE" -f "$made/manifests.yaml" >&2 || code=$?
  case $code in
    0) say "nothing changes" ;;
    1) say "the changes are above" ;;
    *) say "kubectl cannot tell what changes; going on" ;;
  esac
}

is_rolled_out() {
  if grep -q '^kind: InferenceService$' "$made/manifests.yaml"; then
    local ready='{.status.conditions[?(@.type=="Ready")].status}'
    [ "$("$kubectl" get inferenceservice sparseinst -n "$NAMESPACE" -o "jsonpath=$ready")" = True ]
  else
    "$kubectl" rollout status deployment/sparseinst-triton -n "$NAMESPACE" --watch=false | grep -q 'successfully rolled out'
  fi
}

# A server that has started has loaded what was there to load.
waits_for_a_model() {
  local each='{range .items[*]}{.status.containerStatuses[0].started}:{.status.containerStatuses[0].ready} {end}' pods
  pods=$("$kubectl" get pods -n "$NAMESPACE" -l "$selector" -o "jsonpath=$each")
  [ -n "$pods" ] && [ -z "$(tr ' ' '\n' <<< "$pods" | grep -v -x -e 'true:false' -e '')" ]
}

follow() {
  local deadline=$((SECONDS + ${TIMEOUT_S:-900})) waiting=0
  say "waiting for the replicas"
  while [ "$SECONDS" -lt "$deadline" ]; do
    if is_rolled_out; then
      say "all replicas serve. Clients: sparseinst-triton.$NAMESPACE:8001 (gRPC), :8000 (HTTP)"
      return
    fi
    if waits_for_a_model; then waiting=$((waiting + 1)); else waiting=0; fi
    if [ "$waiting" -ge 4 ]; then
      say "Triton runs, and has no model to serve yet. Next: a run of the pipeline, whose step deploy gives it one"
      say "  make pipeline-run KFP_HOST=… PRESET=…"
      say "if one was published already, why it does not load: kubectl logs -n $NAMESPACE -l $selector"
      return
    fi
    sleep "$poll_s"
  done
  fail "The replicas are not all ready after ${TIMEOUT_S:-900} s; those before go on serving." "namespace $NAMESPACE" \
    "kubectl describe pods -n $NAMESPACE -l $selector; back: kubectl rollout undo deployment/sparseinst-triton -n $NAMESPACE" 8
}

render
if [ "${DRY_RUN:-}" = 1 ]; then
  cat "$made/manifests.yaml"
  exit 0
fi
if [ -z "${NAMESPACE:-}" ]; then fail "There is no namespace named." NAMESPACE "Give NAMESPACE=…, or DRY_RUN=1." 2; fi
need_all
show_changes
"$kubectl" apply -n "$NAMESPACE" --validate=strict -f "$made/manifests.yaml" >&2
follow
