-- fbcunn: its layers are those of nn here; it brings cutorch and cunn along.

require 'cunn'
