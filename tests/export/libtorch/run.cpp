// Loads a model.pt with plain libtorch, as Triton's own PyTorch backend does, and writes what it answers.
//
// Usage: run MODEL.pt BATCH HEIGHT WIDTH INPUT OUTPUT_PREFIX
// INPUT holds uint8 [BATCH, 3, HEIGHT, WIDTH]; output i goes to OUTPUT_PREFIX<i>, contiguous, as the machine has it.
// On stdout: the metadata inside the model, then a line "dtype side side ..." for each output.

#include <torch/script.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 7) {
    std::cerr << "usage: run MODEL.pt BATCH HEIGHT WIDTH INPUT OUTPUT_PREFIX\n";
    return 2;
  }
  torch::jit::ExtraFilesMap metadata{{"sparseinst.json", ""}};
  torch::jit::Module model = torch::jit::load(argv[1], torch::kCPU, metadata);
  model.eval();
  std::cout << metadata["sparseinst.json"] << "\n";

  const std::vector<int64_t> shape{std::stoll(argv[2]), 3, std::stoll(argv[3]), std::stoll(argv[4])};
  torch::Tensor image = torch::empty(shape, torch::kUInt8);
  std::ifstream input(argv[5], std::ios::binary);
  if (!input.read(static_cast<char*>(image.data_ptr()), image.nbytes())) {
    std::cerr << "the input has fewer than " << image.nbytes() << " bytes\n";
    return 2;
  }

  c10::InferenceMode inference;
  const auto outputs = model.forward({image}).toTuple()->elements();
  for (size_t index = 0; index < outputs.size(); ++index) {
    const torch::Tensor output = outputs[index].toTensor().contiguous();
    std::cout << c10::toString(output.scalar_type());
    for (const int64_t side : output.sizes()) std::cout << " " << side;
    std::cout << "\n";
    std::ofstream file(argv[6] + std::to_string(index), std::ios::binary);
    file.write(static_cast<const char*>(output.data_ptr()), output.nbytes());
  }
  return 0;
}
