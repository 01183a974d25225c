"""A small Kubeflow Pipelines for tests: an HTTP server that speaks what kfp's client speaks, and checks what it hears.

It was written after Kubeflow's own definitions: the models and paths of kfp_server_api 2.17.3 (made from
backend/api/v2beta1/swagger), and in kubeflow/pipelines
    backend/src/apiserver/main.go                       paths; healthz; where logs are
    backend/src/apiserver/common/utils.go               JSON: proto field names, no unknown fields, empty ones left out
    backend/src/apiserver/server/pipeline_upload_server.go   multipart uploads and their errors
    backend/src/apiserver/server/list_request_util.go, filter/filter.go   pages, predicates, keys
    backend/src/apiserver/template/v2_template.go       which parameters a run may have, and their types
    backend/src/apiserver/server/api_converter.go       what is told of a run's tasks; limits of schedules
    backend/src/v2/compiler/argocompiler                the Argo workflow that a pipeline becomes
    frontend/server/app.ts, handlers/{healthz,pod-logs,pod-info}.ts   the UI's server
Errors have grpc-gateway's form: {"code": 5, "message": "…", "details": []}.

Stricter than Kubeflow: a query parameter that it would ignore is refused, and an upload is parsed at once by kfp's own
protocol buffers, the Kubernetes part included. Not there: databases, permissions inside a namespace, real time. A run
moves on by one tick, a minute of its own, whenever it is looked at.

    server.py     HTTP, who may come in, and planned accidents
    wire.py       JSON of requests and answers, errors
    lists.py      pages and filters
    pipelines.py  pipelines, versions, uploads
    runs.py       experiments, runs, schedules
    workflow.py   what a run's tasks do, tick by tick
    pods.py       logs and pods
"""
