# The architectures that sn9cuda is compiled for, in one place; -DSN9_CUDA_ARCHS="80;86;90a" names others. A plain
# number stands for that GPU's code and for PTX that newer ones translate; 80 is the oldest (bf16 mma, cp.async).
set(SN9_CUDA_ARCHS "80;90a" CACHE STRING "compute capabilities that sn9cuda is compiled for")
