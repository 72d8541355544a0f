"""The rooms of the blood-cell report. Imports run one way, from the top of this list to its end.

cells           the value every room hands on: images, labels, where they came from
command_line    one line and exit code 2 for whatever cannot be used
storage         files that are whole or absent, keys that change with what they stand for
data            the door through which cells come in; behind it archives, folders, download, conversions,
                stored_arrays and synthetic (cells drawn by this project)
preprocessing   exact copies, the split, scaling, one-hot labels
audit           near copies and other defects
colour          the six colour statistics of the exploration
features        hand-made features, with shape_features behind them
classical       the forest and the best classical model
backend         TensorFlow, started deterministic and quiet
models          the networks; batch_norm makes their training fast, muon good, augmentation shows other views of a cell
recipes         how each network is trained, the ladder they form, and how much a profile trains
training        from a recipe and a seed to a finished run; runs reads and writes its folder; energy is what it used
distribution    trainings spread over a Dask cluster
study           the cells of one report; doors that load a finished piece of the study or compute it
scoring         any saved model as a function from images to probabilities; export writes ONNX
evaluation      scores, intervals, paired tests; calibration of probabilities; errors worth a second look
ladder          what each change buys
corruptions     worse microscopes and other stains; robustness scores the models under them
explanations    where the networks look
cost            operations, time and energy of a model
findings        what a run has measured; claims is the ledger, its rules in claims_about_data and claims_about_models
results         results.json and what stands beside it; model_card; provenance says where numbers come from
figures         one look for all figures; plots and plots_* are the drawings
report          executed notebooks -> one HTML page, with markup behind it
run             the runner behind run_all.sh, with execution (one notebook); the other commands: test_model,
                compare, benchmark with benchmark_training
"""

NOTEBOOKS = (
    "01_eda",
    "02_preprocess",
    "03_handcrafted_rf",
    "04_lenet_variants",
    "05_alexnet",
    "06_evaluation",
)
"""The chapters of the report, in order."""
