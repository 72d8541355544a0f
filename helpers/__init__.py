"""The blood-cell report. A package or module imports only from those above it.

errors, files, notation            one line for bad input; files written as a whole; numbers and names in text
cache_keys, recipes                keys of finished work (put together in networks.training.run_name); what is trained
data                               cells from any source, conversions, the split, the audit, synthetic cells
features, networks                 classical models on hand-crafted features; networks on images
study, saved_models, onnx_export   the cells and finished models of one run; any saved model as a function
evaluation                         scores, calibration, robustness, other laboratories, explanations, cost
figures, claims                    drawings and tables (captions are in the notebooks); the original report's claims
report                             results.json and the files beside it, the HTML page
run, test_model                    the two commands; execution runs one notebook

A package's `__init__` says what it is for, and its `__init__.pyi` lists what others may use.
"""

NOTEBOOKS = ("01_eda", "02_preprocess", "03_handcrafted_rf", "04_lenet_variants", "05_alexnet", "06_evaluation")
"""The chapters of the report, in order."""
