"""The front door: a Triton model that takes picture files and answers with COCO-style JSON.

It runs in Triton's Python backend (triton_model.py), as many processes as its configuration says. A request goes
through picture.py and options.py, is asked at a served model (routing.py, asking.py), and becomes an answer (found.py,
answer.py). What is counted (tally.py), and the model in the shadow (agreement.py), wait until the answer is on its way
(afterwards.py). Nothing here imports torch or tritonclient, and only triton_model.py and tensors.py need Triton.
"""
