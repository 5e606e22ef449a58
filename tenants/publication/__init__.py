"""What a school owes the public: which publications its documents demand, which stand, which are missing or late."""
