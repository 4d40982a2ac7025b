print("photon")
