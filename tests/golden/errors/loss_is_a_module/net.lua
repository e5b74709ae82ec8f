return { model = nn.Identity(), loss = nn.Linear(2, 2) }
